-- What `sioc` serves when it is given no script: a page that shows, in the browser that opened it, that it works.
--
--   sioc                    then open http://127.0.0.1:3000
--
-- For tests: #state[data-state] is connected | reconnecting, #transport and #upgraded tell the transport, #round-trip
-- the time of the last ack, #browsers how many browsers are connected now.

local sioc = require "sioc"
local io = sioc.server()

local function tell_everybody()
  io:emit("browsers", #io:fetch_sockets())
end

io:on("connection", function(socket)
  socket:on("disconnect", tell_everybody)
  tell_everybody()
end)

io:event("ping me", function() return sioc.version end)

local PAGE = [==[
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>sioc works</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='5' fill='%230f766e'/%3E%3Cpath d='M9 2 4 9h3l-1 5 6-8H8z' fill='white'/%3E%3C/svg%3E">
<style>
  :root { --page: #f7f6f3; --surface: #fff; --line: #e3e0d9; --text: #1d2422; --soft: #62696a; --accent: #0f766e; --ok: #12a150; --code: #10201d; --code-text: #d7efe9; --code-word: #5eead4; --code-text-2: #fbd38d; --code-soft: #8fa9a3; }
  @media (prefers-color-scheme: dark) { :root { --page: #0d1110; --surface: #181f1e; --line: #2a3432; --text: #e8edeb; --soft: #98a4a1; --accent: #2bb3a3; --ok: #3ddc84; --code: #111918; } }
  * { box-sizing: border-box; }
  body { margin: 0; min-height: 100vh; display: grid; align-content: center; justify-content: center; grid-template-columns: minmax(0, 680px); padding: 32px 20px; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
  h1 { font-size: clamp(30px, 7vw, 44px); line-height: 1.1; letter-spacing: -.03em; margin: 0 0 10px; text-wrap: balance; }
  h2 { font-size: 18px; margin: 40px 0 12px; letter-spacing: -.01em; }
  p { margin: 0 0 8px; color: var(--soft); text-wrap: pretty; }
  #state { display: flex; align-items: center; gap: 9px; margin-bottom: 22px; font-weight: 600; font-size: 15px; color: var(--text); }
  #state::before { content: ""; width: 10px; height: 10px; border-radius: 50%; background: #e8a317; }
  #state[data-state="connected"]::before { background: var(--ok); box-shadow: 0 0 0 5px color-mix(in srgb, var(--ok) 18%, transparent); }
  dl { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); margin: 26px 0 0; background: var(--surface); border: 1px solid var(--line); border-radius: 18px; }
  dl div { padding: 18px 22px; }
  dl div + div { border-left: 1px solid var(--line); }
  dt { font-size: 13.5px; color: var(--soft); }
  dd { margin: 0; font-size: 25px; font-weight: 650; letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
  dd + dd { font-size: 13px; font-weight: 400; letter-spacing: 0; color: var(--soft); }
  @media (max-width: 560px) { dl { grid-template-columns: 1fr; } dl div { padding: 12px 18px; } dl div + div { border-left: 0; border-top: 1px solid var(--line); } }
  ol { margin: 0; padding: 0; list-style: none; counter-reset: n; display: grid; gap: 10px; }
  li { counter-increment: n; display: grid; grid-template-columns: 26px minmax(0, 1fr); gap: 12px; }
  li::before { content: counter(n); display: grid; place-items: center; width: 26px; height: 26px; border-radius: 50%; background: color-mix(in srgb, var(--accent) 15%, transparent); color: var(--accent); font-size: 13.5px; font-weight: 650; }
  code, pre { font: 13.5px/1.6 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
  li { overflow-wrap: anywhere; }
  button { font: inherit; font-size: 14px; font-weight: 600; color: var(--page); background: var(--accent); border: 0; border-radius: 9px; padding: 4px 13px; margin: 0 6px; cursor: pointer; }
  button:hover { filter: brightness(1.1); }
  :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
  output { font-weight: 600; }
  li code { background: color-mix(in srgb, var(--text) 7%, transparent); padding: 2px 7px; border-radius: 6px; }
  pre { margin: 8px 0 2px; padding: 14px 18px; border-radius: 12px; background: var(--code); color: var(--code-text); border: 1px solid color-mix(in srgb, var(--code-word) 14%, transparent); overflow-x: auto; }
  pre b { color: var(--code-word); font-weight: 400; } pre i { color: var(--code-text-2); font-style: normal; }
</style>
<main>
  <p id="state" role="status" data-state="reconnecting">Connecting…</p>
  <h1>Your server works.</h1>
  <p>This page talks to it over Socket.IO right now. Open it in a second window and watch the counter.</p>
  <dl>
    <div><dt>Transport</dt><dd id="transport">…</dd><dd id="upgraded">&nbsp;</dd></div>
    <div><dt>Round trip</dt><dd id="round-trip">…</dd><dd id="round-trips">&nbsp;</dd></div>
    <div><dt>Browsers connected</dt><dd id="browsers">…</dd><dd>told by a broadcast</dd></div>
  </dl>
  <h2>Your first handler</h2>
  <ol>
    <li><div>Write this in <code>app.lua</code>:
<pre><b>local</b> sioc = <b>require</b> <i>"sioc"</i>
<b>local</b> io = sioc.server()
io:event(<i>"hello"</i>, <b>function</b>(socket, name) <b>return</b> <i>"Hello, "</i> .. name <b>end</b>)
io:listen(3000)</pre></div></li>
    <li><div>Start it, and let it follow your changes: <code>sioc app.lua --watch</code></div></li>
    <li><div>Stay on this page, it reconnects by itself. <button id="hello" type="button">Say hello</button> <output id="answer" for="hello"></output></div></li>
  </ol>
</main>
<script src="/socket.io/socket.io.js"></script>
<script>
  const show = (id, text) => { document.getElementById(id).textContent = text; };
  const state = (name, text) => { document.getElementById("state").dataset.state = name; show("state", text); };
  const socket = io();
  let trips = 0;

  function showTransport() {
    const engine = socket.io.engine;
    show("transport", engine.transport.name);
    show("upgraded", engine.transport.name === "websocket" ? "upgraded from polling" : "upgrading…");
  }
  async function measure() {
    if (!socket.connected) return;
    const start = performance.now();
    try {
      const version = await socket.timeout(5000).emitWithAck("ping me");
      show("round-trip", (performance.now() - start).toFixed(1) + " ms");
      show("round-trips", ++trips + (trips === 1 ? " ack" : " acks") + " so far");
      state("connected", "Connected to sioc " + version);
    } catch { /* the next one may come */ }
  }
  socket.on("connect", () => {
    showTransport();
    socket.io.engine.once("upgrade", () => { showTransport(); measure(); });
    state("connected", "Connected");
    measure();
  });
  socket.on("disconnect", () => state("reconnecting", "Reconnecting…"));
  socket.on("browsers", (n) => show("browsers", n));
  document.getElementById("hello").addEventListener("click", async () => {
    show("answer", "…");
    try {
      show("answer", String(await socket.timeout(2000).emitWithAck("hello", "Ada")));
    } catch {
      show("answer", "No answer yet: app.lua is not what runs here.");
    }
  });
  setInterval(measure, 1000);
</script>
</html>
]==]

io:get("/", function(_, res)
  res:header("content-type", "text/html; charset=utf-8")
  res:send(PAGE)
end)

io:listen(3000)
