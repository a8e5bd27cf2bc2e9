-- An HTTP request comes in, all browsers hear of it.
-- Try: sioc examples/tutorial/06-post-then-emit.lua, open http://127.0.0.1:3000/posts.html in two windows and post, or:
--      curl -H 'content-type: application/json' -d '{"title": "from the shell"}' http://127.0.0.1:3000/post

local sioc = require "sioc"
local io = sioc.server()

io:post("/post", function(req)
  local post = req:json()
  if type(post) ~= "table" or type(post.title) ~= "string" then return 400 end
  io:emit("newPost", { title = post.title })
  return 201
end)

io:static("/", "public")
io:listen(3000)
