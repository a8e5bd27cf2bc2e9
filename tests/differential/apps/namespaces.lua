local sioc = require "sioc"

return function(host)
  local io, record = host.io, host.record
  io:on("new_namespace", function(nsp) record(nil, "new namespace", nsp.name) end)
  local function body(socket)
    socket:on("where", function(ack) ack(socket.nsp.name) end)
    socket:on("all", function(ack) socket.nsp:emit("news", socket.nsp.name) ack() end)
  end
  for _, name in ipairs { "/one", "without slash", "/with space", "/ключ😀", "/a/b/c", "/dot.dot", "/" .. ("x"):rep(100) } do
    host.serve(io:of(name), body)
  end
  for i = 0, 14 do host.serve(io:of("/number-" .. i), body) end
  record(nil, "same object", io:of("/one") == io:of("one"))

  local function greeted(socket)
    record(socket, "handler given to of", socket.nsp.name)
    body(socket)
  end
  io:of("handled", greeted):on("connection", function(socket) record(socket, "another") end)
  io:of("^/handled%-%d+$", { pattern = true }, greeted)
  io:of(function(name) return name == "/handled-by-function" end, greeted)

  local tenants = host.serve(io:of("^/tenant%-%d+$", { pattern = true }), body)
  tenants:use(function(socket)
    record(socket, "middleware", socket.nsp.name)
    if socket.handshake.auth.refuse then return nil, "refused" end
  end)
  tenants:on("connection", function(socket)
    socket:on("all tenants", function(ack) tenants:emit("news", "to all tenants") ack() end)
  end)
  host.serve(io:of(function(name, auth)
    if name:sub(1, 12) ~= "/by-function" then return false end
    record(nil, "asked", name, auth)
    if name:find("slow", 1, true) then sioc.sleep(0.05) end
    return auth.ok == true
  end), body)
  host.serve(io:of("^/tenant%-1%d$", { pattern = true }), function() record(nil, "never asked") end)
end
