-- Namespaces: several conversations over one connection, each with its own handlers and its own door.
-- Try: sioc examples/tutorial/05-namespaces.lua, open http://127.0.0.1:3000, send:  who
--      then http://127.0.0.1:3000/?namespace=/admin (refused) and http://127.0.0.1:3000/?namespace=/admin&token=sesame

local sioc = require "sioc"
local io = sioc.server()
local admin = io:of("/admin")

io:event("who", function() return "You are a guest." end)
admin:event("who", function() return "You are the boss." end)

admin:use(function(socket) -- a middleware: it is asked before a client may connect to /admin
  if socket.handshake.auth.token ~= "sesame" then
    return nil, "not allowed", { hint = "what did Ali Baba say?" }
  end
end)

io:static("/", "public")
io:listen(3000)
