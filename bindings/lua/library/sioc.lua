---@meta sioc
-- Annotations for the Lua language server: what `require "sioc"` gives a script.  Never run.
-- Times are seconds.  Functions that wait are marked async: the loop runs on meanwhile.  What is
-- marked "planned" raises an error that says so.

---@class sioc
---@field version string
---@field null sioc.null null inside of tables and arguments
---@field state table kept for as long as the program runs
---@field generation integer counts the reloads; 1 at first
---@field is_reload boolean whether the script runs because of a reload
---@field is_rollback boolean whether it was loaded back, after a later one
local sioc = {}

---@class sioc.null: lightuserdata

---A value that can be sent: text must be valid UTF-8, tables are arrays (1..n) or have text keys.
---@alias sioc.Value nil|boolean|number|string|table|sioc.Buffer|sioc.Raw|sioc.null

---@alias sioc.DisconnectReason
---| "transport error"
---| "transport close"
---| "forced close"
---| "ping timeout"
---| "parse error"
---| "server shutting down"
---| "forced server close"
---| "client namespace disconnect"
---| "server namespace disconnect"

---@alias sioc.Ack fun(...: sioc.Value)

-- Server ----------------------------------------------------------------------------------------

---@class sioc.CorsOptions
---@field origin? string|string[]|boolean pages that may connect: scheme://host[:port], "https://*.host", or "*"; true: all, each by its name
---@field methods? string[]
---@field allowed_headers? string[]
---@field exposed_headers? string[]
---@field credentials? boolean
---@field max_age? integer

---@class sioc.CookieOptions
---@field name? string default "io"
---@field path? string default "/"; "" leaves it out
---@field domain? string
---@field same_site? "strict"|"lax"|"none"|"" default "lax"
---@field http_only? boolean default true
---@field secure? boolean default false
---@field max_age? integer seconds

---@class sioc.TlsOptions
---@field cert string file with the certificate chain
---@field key string file with its key
---@field client_ca? string demand client certificates signed by these
---@field handshake_timeout? number default 5
---@field max_key_updates? integer default 64; new keys of a connection within a minute

---@class sioc.RollbackOptions
---@field window? number seconds after a reload; default 30
---@field threshold? integer how many more of a hundred handlers throw than before; default 20
---@field min_handlers? integer how many must have been called; default 20

---@class sioc.RecoveryOptions
---@field max_disconnection_duration? number default 120
---@field skip_middlewares? boolean default false
---@field max_packets? integer events a namespace keeps; default 100000
---@field max_bytes? integer default 33554432
---@field max_sessions? integer clients of a namespace that may be away; default 10000

---@class sioc.Options
---@field path? string default "/socket.io/"
---@field add_trailing_slash? boolean default true; false: the path without its last slash is served, too
---@field transports? ("polling"|"websocket")[]
---@field allow_upgrades? boolean default true
---@field initial_packet? string a message that each session is sent behind its open packet
---@field ping_interval? number default 25
---@field ping_timeout? number default 20
---@field upgrade_timeout? number default 10
---@field connect_timeout? number default 45
---@field header_timeout? number default 10
---@field handler_timeout? number CPU seconds a handler may run without waiting; default 5
---@field max_payload? integer bytes of one message; default 1000000
---@field max_attachments? integer default 10
---@field max_attachment_bytes? integer all of one packet; default 4000000
---@field attachment_timeout? number for all of them to come; default 30
---@field max_rooms? integer of one socket; default 1000
---@field max_rooms_total? integer of all sockets; default 1000000
---@field max_namespaces? integer of one client; default 16
---@field max_dynamic_namespaces? integer default 1000
---@field max_pending_acks? integer answers that one socket may owe; default 1000
---@field max_depth? integer default 64
---@field max_queue? integer bytes that may wait for a slow reader; default 1048576
---@field cors? string|string[]|sioc.CorsOptions
---@field cookie? boolean|sioc.CookieOptions
---@field http_compression? boolean|{ threshold: integer } default { threshold = 1024 }
---@field per_message_deflate? boolean|sioc.DeflateOptions default false
---@field allow_eio3? boolean default false
---@field serve_client? boolean default true
---@field connection_state_recovery? boolean|sioc.RecoveryOptions
---@field parser? "json"|"msgpack"|string what the clients speak; also the name or path of a library (`sioc/parser.h`); default "json"
---@field adapter? fun(nsp: sioc.Namespace): sioc.Adapter?
---@field cleanup_empty_child_namespaces? boolean default true
---@field allow_request? fun(req: sioc.Request): boolean?, string?
---@field generate_id? fun(req: sioc.Request): string
---@field trusted_proxies? string[]
---@field max_packets? integer default 4096; of one polling payload
---@field first_request_timeout? number default 10; for a polling client to come again after the handshake
---@field body_timeout? number default 20; for the body of a request
---@field min_body_rate? integer default 512; bytes per second that a body must have after its first 2 s
---@field message_timeout? number default 30; for a WebSocket message that has begun
---@field keepalive_timeout? number default 15; between two requests
---@field close_timeout? number default 5; for output to leave at shutdown
---@field max_values? integer default 100000; values of one event, at all depths
---@field max_event_name? integer default 256; bytes of an event's name
---@field max_namespace_name? integer default 128; bytes of a namespace's name, as clients say it
---@field max_waiting_events? integer default 64; events of a socket that wait for a handler or its middleware
---@field max_waiting_bytes? integer default 262144; bytes of these
---@field hold_timeout? number default 10; for events to wait until a connection handler is done
---@field max_unasked_pongs? integer default 10; heartbeat answers in a row that nobody asked for, within ping_interval
---@field max_empty_fragments? integer default 32; fragments of a WebSocket message that may be empty
---@field max_header_bytes? integer default 16384; request line and headers
---@field max_headers? integer default 64; headers of one request
---@field max_url_bytes? integer default 4096; length of a request target
---@field max_memory? integer of the process; default: what the machine has
---@field max_log_rate? integer default 100; lines of the same kind within a second
---@field max_packets_per_turn? integer default 256; packets of one client before others have their turn
---@field max_message_rate? integer messages per second of one client; it is read from more slowly then
---@field message_burst? integer default 1000; messages that may come at once, with max_message_rate
---@field max_byte_rate? integer bytes per second of the messages of one client
---@field rate_timeout? number default 10; a client that is above these rates for so long is closed
---@field max_pings? integer default 50; WebSocket pings of one connection within 10 s
---@field max_conns? integer default: what file descriptors allow, but for a few
---@field max_conns_per_ip? integer
---@field max_handshakes_per_ip? integer within 10 s
---@field max_unknown_sids_per_ip? integer within 60 s
---@field max_keepalive_requests? integer default 1000
---@field serial? boolean each handler of a socket waits for the one before
---@field max_shared_bytes? integer all values of sioc.shared; default 67108864
---@field rollback? boolean|sioc.RollbackOptions load the script before back when handlers fail after a reload; default true, with --watch false
---@field tls? sioc.TlsOptions

---Makes a server.  It listens once the whole script has run.
---@param options? sioc.Options
---@return sioc.Server
function sioc.server(options) end

---@class sioc.DeflateOptions
---@field threshold? integer default 1024
---@field server_no_context_takeover? boolean default true
---@field client_no_context_takeover? boolean default true
---@field server_max_window_bits? integer 8 to 15, default 15
---@field client_max_window_bits? integer 8 to 15, default 15
---@field level? integer 1 to 9, default 6
---@field memory_level? integer 1 to 9, default 8
---@field max_ratio? integer default 200
---@field max_windows? integer default 1000

---@class sioc.Server: sioc.Namespace
---@field engine sioc.Engine
---@field clients_count integer
---@field metrics table<string, integer>
local Server = {}

---@param port? integer default 3000; 0 = any free one
---@param host? string default "127.0.0.1"
function Server:listen(port, host) end

---Stops accepting, disconnects every socket, and waits until all is out.
function Server:close() end

---Plain WebSockets on that path, which may have `:name` parts.
---@param path string
---@param fn fun(ws: sioc.WebSocket, req: sioc.Request)
function Server:websocket(path, fn) end

---Raw Engine.IO below that path.
---@param path string
---@param fn fun(conn: sioc.Conn, req: sioc.Request)
function Server:engineio(path, fn) end

---One message for all plain WebSockets that have subscribed to the topic.
---@param topic string
---@param data string|sioc.Buffer
---@param is_binary? boolean default: whether data is a sioc.Buffer
---@return integer receivers
function Server:publish(topic, data, is_binary) end

---@class sioc.NamespaceOptions
---@field pattern? boolean the name is a Lua pattern

---The namespace of that name; with a pattern or a function: of every name that matches.
---@param name string|fun(name: string, auth: table): boolean
---@param options? sioc.NamespaceOptions|fun(socket: sioc.Socket)
---@param fn? fun(socket: sioc.Socket) a handler of "connection"; also without options
---@return sioc.Namespace
function Server:of(name, options, fn) end

---@alias sioc.Route fun(req: sioc.Request, res: sioc.Response): (integer|string|table)?

---@param path string "/users/:id"
---@param handler sioc.Route
function Server:get(path, handler) end

---@param path string
---@param handler sioc.Route
function Server:post(path, handler) end

---@param path string
---@param handler sioc.Route
function Server:put(path, handler) end

---@param path string
---@param handler sioc.Route
function Server:patch(path, handler) end

---@param path string
---@param handler sioc.Route
function Server:delete(path, handler) end

---Serves the files of a folder; a relative one is meant from the script.
---@param prefix string
---@param folder string
function Server:static(prefix, folder) end

-- What broadcasts: namespaces, the server, operators ----------------------------------------------

---Whom a message is for.  Immutable: it may be kept and shared.
---@class sioc.Operator
---@field volatile sioc.Operator drops the message for who cannot take it now
---@field local_ sioc.Operator this process only
---@field broadcast sioc.Operator
local Operator = {}

---@param ... string|string[]
---@return sioc.Operator
function Operator:to(...) end

---@param ... string|string[]
---@return sioc.Operator
function Operator:in_(...) end

---@param ... string|string[]
---@return sioc.Operator
function Operator:except(...) end

---@param compress boolean
---@return sioc.Operator
function Operator:compress(compress) end

---@param seconds number
---@return sioc.Operator
function Operator:timeout(seconds) end

---@param event string
---@param ... sioc.Value
---@return boolean queued
function Operator:emit(event, ...) end

---The same as emit("message", ...).
---@param ... sioc.Value
---@return boolean queued
function Operator:send(...) end

---Waits for the answers of all; on a timeout `err` is set and the answers are those that came.
---@async
---@param event string
---@param ... sioc.Value
---@return table answers
---@return string? err
function Operator:emit_with_ack(event, ...) end

---@async
---@return sioc.Socket[]
function Operator:fetch_sockets() end

---@return string[] ids
function Operator:all_sockets() end

---@param ... string|string[]
function Operator:sockets_join(...) end

---@param ... string|string[]
function Operator:sockets_leave(...) end

---@param close? boolean also the connection below
function Operator:disconnect_sockets(close) end

-- Namespace --------------------------------------------------------------------------------------

---@class sioc.HandlerOptions
---@field serial? boolean wait for the handler before, of the same socket
---@field raw? boolean planned: arguments as JSON text

---@class sioc.Namespace: sioc.Operator
---@field name string
---@field sockets table<string, sioc.Socket>
---@field rooms table<string, integer> how many are in each; a fresh table
---@field adapter sioc.Adapter|sioc.LocalAdapter
---@field local_adapter sioc.LocalAdapter
local Namespace = {}

---@param event "connection"|"disconnecting"|"disconnect"|"error"|"reload"|"new_namespace"|"create-room"|"join-room"|"leave-room"|"delete-room"
---@param handler function
---@param options? sioc.HandlerOptions
---@overload fun(self, event: "connection", handler: fun(socket: sioc.Socket))
---@overload fun(self, event: "disconnecting", handler: fun(socket: sioc.Socket, reason: sioc.DisconnectReason, details?: string))
---@overload fun(self, event: "disconnect", handler: fun(socket: sioc.Socket, reason: sioc.DisconnectReason, details?: string))
---@overload fun(self, event: "error", handler: fun(err: string, socket?: sioc.Socket, event?: string, data?: any))
---@overload fun(self, event: "new_namespace", handler: fun(nsp: sioc.Namespace))
---@overload fun(self, event: "create-room"|"delete-room", handler: fun(room: string))
---@overload fun(self, event: "join-room"|"leave-room", handler: fun(room: string, id: string))
---@overload fun(self, event: "reload", handler: fun(socket: sioc.Socket))
function Namespace:on(event, handler, options) end

---@param event string
---@param handler function
function Namespace:once(event, handler) end

---@param event? string
---@param handler? function
function Namespace:off(event, handler) end

---An event of other servers (`server_side_emit`); what the handler returns is the answer.
---@param name string
---@param handler fun(...: any): any
function Namespace:on_server_side_emit(name, handler) end

---A client event, for all sockets of the namespace: costs no memory per socket.
---@param name string
---@param handler fun(socket: sioc.Socket, ...: any): any
---@param options? sioc.HandlerOptions
function Namespace:event(name, handler, options) end

---Runs before a socket joins: `return nil, message, data` refuses it.
---@param middleware fun(socket: sioc.Socket): boolean?, string?, any
function Namespace:use(middleware) end

---@param event string
---@param ... sioc.Value
function Namespace:server_side_emit(event, ...) end

---@async
---@param event string
---@param ... sioc.Value
---@return table answers
---@return string? err
function Namespace:server_side_emit_with_ack(event, ...) end

-- Socket -----------------------------------------------------------------------------------------

---@class sioc.Handshake
---@field auth table what the client sent for this namespace
---@field headers table<string, string> names in lower case
---@field query table<string, string>
---@field address string
---@field time string
---@field issued integer milliseconds since 1970
---@field url string
---@field secure boolean
---@field xdomain boolean

---@class sioc.Socket
---@field id string
---@field data table your own data of this socket
---@field connected boolean
---@field disconnected boolean
---@field recovered boolean
---@field reloaded boolean the connection handler runs because of a reload
---@field rooms string[] a fresh list; its own id is in it
---@field nsp sioc.Namespace
---@field handshake sioc.Handshake
---@field conn sioc.Conn
---@field request sioc.Request the first request of its client
---@field client { id: integer, conn: sioc.Conn, request: sioc.Request } what its sockets have in common
---@field broadcast sioc.Operator everybody but this socket
---@field volatile sioc.Operator
---@field local_ sioc.Operator
local Socket = {}

---@param event string
---@param handler fun(...: any): any gets the arguments, then `ack`; what it returns is the answer
---@param options? sioc.HandlerOptions
---@overload fun(self, event: "disconnecting", handler: fun(reason: sioc.DisconnectReason, details?: string))
---@overload fun(self, event: "disconnect", handler: fun(reason: sioc.DisconnectReason, details?: string))
function Socket:on(event, handler, options) end

---@param event string
---@param handler fun(...: any): any
function Socket:once(event, handler) end
Socket.add_listener = Socket.on

---Before the handlers that are there.
---@param event string
---@param handler fun(...: any): any
function Socket:prepend_listener(event, handler) end

---@param event string
---@param handler fun(...: any): any
function Socket:prepend_once_listener(event, handler) end

---@param event string
---@return integer
function Socket:listener_count(event) end

---@param event? string
---@param handler? function
function Socket:off(event, handler) end
Socket.remove_listener = Socket.off

---@param handler fun(event: string, ...: any)
function Socket:on_any(handler) end

---@param handler fun(event: string, ...: any)
function Socket:prepend_any(handler) end

---@param handler? function
function Socket:off_any(handler) end

---@param handler fun(event: string, ...: any)
function Socket:on_any_outgoing(handler) end

---@param handler fun(event: string, ...: any)
function Socket:prepend_any_outgoing(handler) end

---@param handler? function
function Socket:off_any_outgoing(handler) end

---@return function[]
function Socket:listeners_any() end

---@return function[]
function Socket:listeners_any_outgoing() end

---@param event string
---@return function[]
function Socket:listeners(event) end

---@return string[]
function Socket:event_names() end

---@param event? string
function Socket:remove_all_listeners(event) end

---What an "error" handler of a socket is told of an event that its middleware refused.
---@class sioc.Refusal
---@field message string
---@field event string
---@field data any

---Sees each event of the client before its handlers; `return nil, message, data` drops it.
---@param middleware fun(event: string, ...: any): boolean?, string?, any
function Socket:use(middleware) end

---A function as last argument is called with the answer: `function(err, ...)` after timeout(),
---else `function(...)`.
---@param event string
---@param ... sioc.Value|function
---@return boolean queued false: the socket is gone, or the message was dropped
function Socket:emit(event, ...) end

---@param ... sioc.Value
---@return boolean queued
function Socket:send(...) end

---Waits for the answer; `nil, "timeout"` or `nil, "disconnected"` when there is none.
---@async
---@param event string
---@param ... sioc.Value
---@return any answer
---@return string? err
function Socket:emit_with_ack(event, ...) end

---@param seconds number
---@return sioc.Socket
function Socket:timeout(seconds) end

---@param compress boolean
---@return sioc.Socket
function Socket:compress(compress) end

---@param ... string|string[]
function Socket:join(...) end

---@param room string
function Socket:leave(room) end

---Everybody in the rooms but this socket.
---@param ... string|string[]
---@return sioc.Operator
function Socket:to(...) end

---@param ... string|string[]
---@return sioc.Operator
function Socket:in_(...) end

---@param ... string|string[]
---@return sioc.Operator
function Socket:except(...) end

---@param close? boolean also the connection below
function Socket:disconnect(close) end

-- HTTP -------------------------------------------------------------------------------------------

---@class sioc.Request
---@field method string
---@field path string
---@field url string the target as it came
---@field address string the peer's
---@field query table<string, string>
---@field params table<string, string>
---@field headers table<string, string> names in lower case
---@field body string
local Request = {}

---@return any value
---@return string? err
function Request:json() end

---@return table<string, string>
function Request:form() end

---@class sioc.Response
---@field sent boolean
local Response = {}

---@param code integer
---@return sioc.Response
function Response:status(code) end

---@param name string
---@param value string
---@return sioc.Response
function Response:header(name, value) end

---@param body string
function Response:send(body) end

---@param value sioc.Value
function Response:json(value) end

-- Values -----------------------------------------------------------------------------------------

---Marks a table as array, also when it is empty; holes are sent as null.
---@generic T
---@param list? T[]
---@return T[]
function sioc.array(list) end

---Raw bytes, sent as a binary attachment.
---@param bytes string|sioc.Buffer
---@return sioc.Buffer
function sioc.binary(bytes) end

---JSON text that is sent as it is.
---@param json string
---@return sioc.Raw
function sioc.raw(json) end

---Binary data: `#b` is its length, `==` compares bytes.
---@class sioc.Buffer
---@operator len: integer
local Buffer = {}

---@return string
function Buffer:str() end

---As string.sub.
---@param i? integer
---@param j? integer
---@return string
function Buffer:sub(i, j) end

---@class sioc.Raw

sioc.json = {}

---Raises an error that names the key path when the value has no JSON form.
---@param value sioc.Value
---@return string
function sioc.json.encode(value) end

---null at the top is sioc.null; nil means failure.
---@param text string
---@return any value
---@return string? err
function sioc.json.decode(text) end

-- Time -------------------------------------------------------------------------------------------

---@async
---@param seconds number
function sioc.sleep(seconds) end

---@class sioc.Timer
local Timer = {}

---@return boolean active whether there was something to cancel
function Timer:cancel() end

---@param seconds number
---@param fn fun()
---@return sioc.Timer
function sioc.after(seconds, fn) end

---A run that still waits is not overtaken: the next one is left out.
---@param seconds number
---@param fn fun()
---@return sioc.Timer
function sioc.every(seconds, fn) end

---Runs fn(...) now, until it waits; then the caller goes on.
---@param fn fun(...: any)
---@param ... any
function sioc.spawn(fn, ...) end

---Monotonic seconds.
---@return number
function sioc.now() end

-- The program ------------------------------------------------------------------------------------

sioc.log = {}

---Joins its arguments as print does; tables are written as JSON.
---@param ... any
function sioc.log.debug(...) end

---@param ... any
function sioc.log.info(...) end

---@param ... any
function sioc.log.warn(...) end

---@param ... any
function sioc.log.error(...) end

---Ends the program in good order.
---@param exit_code? integer
function sioc.stop(exit_code) end

---Values by key that no reload touches; each function is one step.
---@class sioc.Shared
local Shared = {}

---@param key string
---@return any
function Shared:get(key) end

---@param key string
---@param value sioc.Value nil removes it
---@param ttl? number seconds; without: it stays
---@return boolean? done nil: it is full
---@return string? err
function Shared:set(key, value, ttl) end

---@param key string
---@param value sioc.Value
---@param ttl? number
---@return boolean? added false: there is one; nil: it is full
---@return string? err
function Shared:add(key, value, ttl) end

---@param key string
---@param by? number default 1
---@param ttl? number of one that is new
---@return number? sum nil: it is full
---@return string? err
function Shared:incr(key, by, ttl) end

---@param key string
---@param old sioc.Value
---@param new sioc.Value nil removes it
---@param ttl? number
---@return boolean? changed nil: it is full
---@return string? err
function Shared:cas(key, old, new, ttl) end

---@param name string
---@return sioc.Shared
function sioc.shared(name) end

---A client for checks, without a network; see sioc.test_socket.
---@class sioc.TestSocket
---@field id string
---@field connected boolean
---@field emitted sioc.Emitted[] all that was emitted to it, in order
---@field socket? sioc.Socket the one that handlers are given
local TestSocket = {}

---@class sioc.Emitted the arguments are its elements 1 to n
---@field name string
---@field n integer
---@field ack? fun(...: sioc.Value): boolean answers, when an answer is wanted

---The client sends the event.
---@param event string
---@param ... sioc.Value
---@return boolean sent false: it is not connected
function TestSocket:receive(event, ...) end

---@async
---@param event string
---@param ... sioc.Value
---@return any answer nil: none came
---@return any err
function TestSocket:receive_with_ack(event, ...) end

---Waits for the next event of that name; the check fails when none comes.
---@async
---@param event string
---@param seconds? number default 2
---@return any ...
function TestSocket:expect(event, seconds) end

---The client leaves the namespace.
function TestSocket:disconnect() end

---Its connection breaks.
function TestSocket:close() end

---@class sioc.TestSocketOptions
---@field nsp? string default "/"
---@field auth? table
---@field headers? table<string, string>
---@field query? table<string, string|number>
---@field address? string default "127.0.0.1"
---@field server? sioc.Server default: the first
---@field timeout? number seconds that its functions wait; default 2

---In checks only.  Waits until it is connected; nil, message and data when it is refused.
---@async
---@param options? sioc.TestSocketOptions
---@return sioc.TestSocket?
---@return string? message
---@return any data
function sioc.test_socket(options) end

---Tried out before the script serves: when it fails, the script does not start, or the reload is
---refused.
---@param name string
---@param fn fun()
---@overload fun(fn: fun())
function sioc.check(name, fn) end

---Called when a reload has replaced this script: close what it has opened.
---@param fn fun()
function sioc.on_unload(fn) end

return sioc
