// Socket.IO by pasting strings: what a WebSocket server costs that parses nothing, under any engine.
//   answer(text, publish) -> the text to send back, or undefined; publish(text) goes to all that have joined.

export const open = '0{"sid":"rawrawrawrawrawrawra","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}';
export const joined = '40{"sid":"rawrawrawrawrawrawrb"}';

export function answer(text, publish) {
  if (text.startsWith('42["echo"')) return text;
  if (text.startsWith('42["bcast"')) publish(text);
  else if (text.startsWith('42')) {
    const at = text.indexOf('["ack",');
    if (at > 2) return `43${text.slice(2, at)}[${text.slice(at + 7)}`;
  }
  return undefined;
}
