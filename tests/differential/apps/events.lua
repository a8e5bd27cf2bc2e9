local sioc = require "sioc"

local NAMES = { "", "with space", "ключ😀", "*", "0", "error", "message", "connection", "connect_error_", "__proto__",
  "constructor", "toString", ("x"):rep(200), '"\\\n' }

local function kind(value)
  if value == nil or value == sioc.null then return "null" end
  if type(value) == "userdata" then return "binary" end
  if type(value) ~= "table" then return type(value) end
  return (#value > 0 or getmetatable(value) == getmetatable(sioc.array {})) and "array" or "object"
end

return function(host)
  host.serve(host.io:of("/events"), function(socket)
    socket:on("echo", function(...) socket:emit("echo", host.unpack((host.split(...)))) end)
    for _, name in ipairs(NAMES) do
      socket:on(name, function(...)
        local args = host.split(...)
        if getmetatable(args[1]) == "sioc.Refusal" then -- of the parser
          host.record(socket, "error", args[1].message)
        else
          socket:emit("heard", name, host.unpack(args))
        end
      end)
    end
    socket:on("types", function(...)
      local kinds = {}
      for i = 1, select("#", ...) do kinds[i] = kind((select(i, ...))) end
      host.record(socket, "types", table.unpack(kinds))
    end)
    socket:on("reserved", function(name)
      local ok, err = pcall(socket.emit, socket, name)
      if ok then socket:emit("sent", name) else socket:emit("refused", name, (tostring(err):gsub("^[^:]*:%d+: ", ""))) end
    end)
    socket:on("from server", function()
      socket:emit("none")
      socket:emit("nulls", sioc.null, nil, sioc.array { sioc.null }, { a = sioc.null })
      socket:emit("numbers", 0, -1, 1.5, 1e21, 1e-7, 123456789012345, 0.1, 1 / 3, 5e-324, 1.7976931348623157e308, 0 / 0, 1 / 0, -1 / 0)
      socket:emit("text", 'é€😀\u{2028}\0"\\/', "")
      socket:emit("nested", { sioc.array {}, {}, { sioc.array {} }, { a = { { b = sioc.array {} } } } })
      socket:emit("binary", sioc.binary("\0\1\255"), { deep = { sioc.binary(""), { b = sioc.binary("text") } } }, "end")
      local same = sioc.binary("same")
      socket:emit("twice", same, same)
      socket:send("as message", 1)
    end)
    socket:on("big", function(size) socket:emit("big", ("x"):rep(size), { size = size }) end)
    socket:on("big binary", function(size) socket:emit("big", sioc.binary(("\7"):rep(size)), { size = size }) end)
    socket:on("many", function(count) for i = 0, count - 1 do socket:emit("n", i) end end)
    socket:on("mixed", function(count)
      for i = 0, count - 1 do socket:emit("n", i % 3 == 1 and sioc.binary(string.char(i)) or i) end
    end)
    socket:on("note", function(...) host.record(socket, "note", host.unpack((host.split(...)))) end)
  end)
end
