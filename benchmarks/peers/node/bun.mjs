// Owns one peer: Bun's native publish (uWebSockets) with ioredis between processes. No storage.
// Every text frame that comes in goes out, once, to everybody, by way of Redis.
import Redis from "ioredis";

const CHANNEL = "bench.bun";
const publisher = new Redis(process.env.REDIS_URL);
const subscriber = new Redis(process.env.REDIS_URL);

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.env.PORT),
  fetch(request, self) {
    return self.upgrade(request) ? undefined : new Response("ok");
  },
  websocket: {
    perMessageDeflate: false,
    maxPayloadLength: 64 * 1024,
    open(socket) {
      socket.subscribe(CHANNEL);
    },
    message(_socket, frame) {
      publisher.publish(CHANNEL, frame);
    },
  },
});
subscriber.on("message", (_channel, frame) => server.publish(CHANNEL, frame));
await subscriber.subscribe(CHANNEL);
