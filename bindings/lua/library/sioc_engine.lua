---@meta sioc.engine
-- Annotations for the Lua language server: what lies below the sockets.  Never run.

---What happens below the sockets: requests and sessions.
---@class sioc.Engine
---@field clients_count integer sessions that are open now
---@field clients table<integer, sioc.Conn> their connections by conn.id; a fresh table
local Engine = {}

---@class sioc.ConnectionError
---@field code integer 0 to 5
---@field message string
---@field req sioc.Request without its body
---@field context table<string, string|integer> transport, sid, method, name, origin, protocol, message

---"connection_error": a request was refused.  "initial_headers", "headers": put headers for the
---session's first answer, for each answer, into the table; these handlers cannot wait.
---@param event "connection_error"
---@param handler fun(err: sioc.ConnectionError)
---@overload fun(self, event: "initial_headers"|"headers", handler: fun(headers: table<string, string|string[]>, req: sioc.Request))
---@overload fun(self, event: "connection"|"drain", handler: fun(conn: sioc.Conn))
---@overload fun(self, event: "flush", handler: fun(conn: sioc.Conn, packets: sioc.Packet[]))
function Engine:on(event, handler) end

---The same, for the next one only.
---@param event "connection_error"|"initial_headers"|"headers"|"connection"|"flush"|"drain"
---@param handler function
function Engine:once(event, handler) end

---Runs for every request below the server's path, before it is looked at; cannot wait.
---Nothing or true lets pass, `return nil, message` refuses.
---@param handler fun(req: sioc.Request, headers: table<string, string|string[]>): boolean?, string?
function Engine:use(handler) end

---Removes the handler, or all of the event; returns how many.
---@param event "connection_error"|"initial_headers"|"headers"|"connection"|"flush"|"drain"
---@param handler? function
---@return integer
function Engine:off(event, handler) end

---A packet of Engine.IO.
---@class sioc.Packet
---@field type "open"|"close"|"ping"|"pong"|"message"|"upgrade"|"noop"|"error"
---@field data? string|sioc.Buffer
---@field compress? boolean of one that is sent

---A connection of Engine.IO: below sockets, or raw; may be kept for ever.
---@class sioc.Conn
---@field id integer
---@field protocol integer 4, or 3 for old clients
---@field transport { name: string, writable: boolean } "polling" or "websocket"
---@field ready_state "open"|"closing"|"closed"
---@field upgraded boolean it has moved from polling to a WebSocket
---@field remote_address string
---@field request sioc.Request its first request
---@field write_buffer_length integer packets that wait to leave
---@field queued integer bytes that wait to leave
---@field reloaded boolean raw: it was there before the script was reloaded
---@field data table raw: a table of your own
local Conn = {}

---"message" (or "data"): what has come.  "close": it is over.  "packet", "packet_create": a packet
---has come, is sent.  "flush", "drain": packets are about to leave, have left.
---@param event "message"|"data"
---@param fn fun(data: string|sioc.Buffer, is_binary: boolean)
---@overload fun(self, event: "close", fn: fun(reason: string, details?: string))
---@overload fun(self, event: "packet"|"packet_create", fn: fun(packet: sioc.Packet))
---@overload fun(self, event: "flush", fn: fun(packets: sioc.Packet[]))
---@overload fun(self, event: "drain"|"heartbeat", fn: fun())
---@overload fun(self, event: "upgrading"|"upgrade", fn: fun(transport: { name: string }))
function Conn:on(event, fn) end

---The same, for the next one only.
---@param event string
---@param fn function
function Conn:once(event, fn) end

---Removes the handler, or all of the event; returns how many.
---@param event string
---@param fn? function
---@return integer
function Conn:off(event, fn) end

---@param event? string
function Conn:remove_all_listeners(event) end

---Sends one message as it stands.  options: true for binary, or a table.  fn: when it has left.
---@param data string|sioc.Buffer
---@param options? boolean|{ binary?: boolean, compress?: boolean }
---@param fn? fun()
---@return boolean sent
---@return string? why_not
function Conn:send(data, options, fn) end
Conn.write = Conn.send

---Ends it; what waits leaves first, unless discard is true.
---@param discard? boolean
function Conn:close(discard) end

---A plain WebSocket; may be kept for ever.
---@class sioc.WebSocket
---@field data table
---@field connected boolean
---@field queued integer bytes that wait to be sent
---@field topics string[]
---@field reloaded boolean the function of its route runs because of a reload
local WebSocket = {}

---@param event "message"|"close"|"drained"
---@param fn fun(...) message: data, is_binary; close: code, reason
function WebSocket:on(event, fn) end

---The same, for the next one only.
---@param event "message"|"close"|"drained"
---@param fn function
function WebSocket:once(event, fn) end

---Removes the handler, or all of the event; returns how many.
---@param event "message"|"close"|"drained"
---@param fn? function
---@return integer
function WebSocket:off(event, fn) end

---@param data string|sioc.Buffer
---@param is_binary? boolean default: whether data is a sioc.Buffer
---@return boolean queued
---@return string? why_not
function WebSocket:send(data, is_binary) end

---@param code? integer 1000 to 4999
---@param reason? string at most 123 bytes
---@return boolean
---@return string? why_not
function WebSocket:close(code, reason) end

---@param topic string
---@return boolean
---@return string? why_not
function WebSocket:subscribe(topic) end

---@param topic string
function WebSocket:unsubscribe(topic) end

---To all subscribers but this one.
---@param topic string
---@param data string|sioc.Buffer
---@param is_binary? boolean
---@return integer receivers
function WebSocket:publish(topic, data, is_binary) end
