-- The applications for sioc: main.mjs is the twin. SIOC_TEST_APPS names them, SIOC_TEST_OPTIONS has options.

local sioc = require "sioc"
local app = sioc.server(sioc.json.decode(os.getenv("SIOC_TEST_OPTIONS")))

local function tell(record) io.stderr:write("@@ " .. sioc.json.encode(record) .. "\n") end

local host = { io = app, sleep = sioc.sleep }

-- Values as they can be told: no binary, no functions.
function host.plain(value)
  local kind = type(value)
  if kind == "function" then return "<function>" end
  if kind == "userdata" and getmetatable(value) == "sioc.Buffer" then
    return "<binary " .. value:str():gsub(".", function(c) return ("%02x"):format(c:byte()) end) .. ">"
  end
  if kind ~= "table" then return value end
  local is_array = #value > 0 or getmetatable(value) == getmetatable(sioc.array {})
  local copy = is_array and sioc.array {} or {}
  for key, item in pairs(value) do copy[key] = host.plain(item) end
  return copy
end

-- A list of all the arguments, null for nil.
function host.list(...)
  local items = sioc.array {}
  for i = 1, select("#", ...) do
    local item = select(i, ...)
    if item == nil then items[i] = sioc.null else items[i] = host.plain(item) end
  end
  return items
end

-- What the server sees of a socket, or of none (nil).
function host.record(socket, ...) tell { id = socket and socket.id, entry = host.list(...) } end

-- Arguments without the ack function, packed, and that function.
function host.split(...)
  local args = table.pack(...)
  local ack = args[args.n]
  if type(ack) ~= "function" then return args, nil end
  args[args.n] = nil
  args.n = args.n - 1
  return args, ack
end

function host.unpack(args) return table.unpack(args, 1, args.n) end

-- A list whose order means nothing, or is that of ids: the runner sorts it.
function host.unordered(list) return { unordered = sioc.array { table.unpack(list) } } end

function host.serve(nsp, body)
  nsp:on("connection", function(socket)
    host.record(socket, "connection", socket.nsp.name)
    socket:on("sync", function(ack) ack() end)
    socket:on("disconnecting", function(reason) host.record(socket, "disconnecting", reason, host.unordered(socket.rooms)) end)
    socket:on("disconnect", function(reason) host.record(socket, "disconnect", reason, host.unordered(socket.rooms)) end)
    if body then body(socket) end
  end)
  return nsp
end

local fences = 0
app:of("/control"):on("connection", function(socket)
  local function fence(ack)
    fences = fences + 1
    tell { fence = fences }
    ack { fence = fences, clients = app.clients_count }
  end
  socket:on("fence", fence)
  socket:on("drain", function(ack)
    for _ = 1, 6000 do
      if app.clients_count <= 1 then break end
      sioc.sleep(0.005)
    end
    fence(ack)
  end)
  socket:on("close", function() app:close() end)
end)

app:on("error", function(err) tell { error = tostring(err) } end)

for name in os.getenv("SIOC_TEST_APPS"):gmatch("[^,]+") do require(name)(host) end
app:listen(0)
