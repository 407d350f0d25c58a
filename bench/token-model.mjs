// A model endpoint that streams tokens at a steady rate, as a process of its own: `node token-model.mjs RATE COUNT`.
import { createServer } from 'node:http';

const [rate, count] = process.argv.slice(2).map(Number);
const streams = new Set();
const chunk = (delta, finish = null) =>
  `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 0, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const TOKEN = chunk({ content: 'word ' });

const server = createServer((request, response) => {
  request.resume();
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(chunk({ role: 'assistant', content: '' }));
  const stream = { response, left: count };
  streams.add(stream);
  response.on('close', () => streams.delete(stream));
});
// Each stream ticks at a time of its own within the period: as visitors come.
const SLOTS = 25;
let slot = 0;
const buckets = new Map();
setInterval(
  () => {
    slot = (slot + 1) % SLOTS;
    for (const stream of streams) {
      if (!buckets.has(stream)) buckets.set(stream, Math.floor(Math.random() * SLOTS));
      if (buckets.get(stream) !== slot) continue;
      stream.left -= 1;
      if (stream.left > 0) stream.response.write(TOKEN);
      else {
        stream.response.end(`${chunk({}, 'stop')}data: [DONE]\n\n`);
        streams.delete(stream);
        buckets.delete(stream);
      }
    }
  },
  1000 / rate / SLOTS,
);
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
