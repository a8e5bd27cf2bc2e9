---@meta

-- The adapters of namespaces, for editors; docs/lua.md says what they are.

---@class sioc.Packet
---@field type integer 2
---@field nsp string
---@field data any[] the event's name, then its arguments

---@class sioc.BroadcastOptions
---@field rooms string[] none: everybody
---@field except string[]
---@field flags { volatile?: boolean, compress?: boolean, timeout?: number, local?: boolean }

---@class sioc.Session
---@field sid string
---@field pid string
---@field rooms string[]
---@field data? any
---@field missed_packets? any[][] what restore_session gives: each as in `sioc.Packet.data`

---What an adapter may have in the place of the local one's.  Any may be missing.
---@class sioc.Adapter
---@field init? fun(self)
---@field close? fun(self)
---@field server_count? fun(self): integer
---@field add_all? fun(self, id: string, rooms: string[])
---@field del? fun(self, id: string, room: string)
---@field del_all? fun(self, id: string)
---@field broadcast? fun(self, packet: sioc.Packet, opts: sioc.BroadcastOptions)
---@field broadcast_with_ack? fun(self, packet: sioc.Packet, opts: sioc.BroadcastOptions, count: fun(n: integer), answer: fun(value: any), left: fun())
---@field sockets? fun(self, rooms: string[]): string[]
---@field fetch_sockets? fun(self, opts: sioc.BroadcastOptions): (sioc.Socket|table)[]
---@field add_sockets? fun(self, opts: sioc.BroadcastOptions, rooms: string[])
---@field del_sockets? fun(self, opts: sioc.BroadcastOptions, rooms: string[])
---@field disconnect_sockets? fun(self, opts: sioc.BroadcastOptions, close: boolean)
---@field server_side_emit? fun(self, packet: any[], ack?: fun(err: any, answers: any[]))
---@field persist_session? fun(self, session: sioc.Session)
---@field restore_session? fun(self, pid: string, offset: string): sioc.Session?

---The adapter that is built in: the sockets of this server.
---@class sioc.LocalAdapter
---@field rooms table<string, string[]> ids in each room; a fresh table
---@field sids table<string, string[]> rooms of each id; a fresh table
---@field nsp sioc.Namespace
local LocalAdapter = {}

---@return boolean?, string?
function LocalAdapter:add_all(id, rooms) end
function LocalAdapter:del(id, room) end
function LocalAdapter:del_all(id) end
---@param packet sioc.Packet
---@param opts? sioc.BroadcastOptions
---@return integer how many sockets got it
function LocalAdapter:broadcast(packet, opts) end
---@param packet sioc.Packet
---@param opts sioc.BroadcastOptions?
---@param count fun(n: integer)
---@param answer fun(value: any)
---@param left? fun()
function LocalAdapter:broadcast_with_ack(packet, opts, count, answer, left) end
---@param rooms? string[]
---@return string[]
function LocalAdapter:sockets(rooms) end
---@return string[]?
function LocalAdapter:socket_rooms(id) end
---@param opts? sioc.BroadcastOptions
---@return sioc.Socket[]
function LocalAdapter:fetch_sockets(opts) end
---@param opts? sioc.BroadcastOptions
---@param rooms string[]
function LocalAdapter:add_sockets(opts, rooms) end
---@param opts? sioc.BroadcastOptions
---@param rooms string[]
function LocalAdapter:del_sockets(opts, rooms) end
---@param opts? sioc.BroadcastOptions
---@param close? boolean
function LocalAdapter:disconnect_sockets(opts, close) end
---@return integer 1
function LocalAdapter:server_count() end
---Another server has emitted `packet`: `on_server_side_emit` handlers hear it.
---@param packet any[]
---@param ack? fun(...: any)
function LocalAdapter:deliver(packet, ack) end
