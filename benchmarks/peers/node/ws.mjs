// Owns one peer: Node with `ws` and one Redis subscription a process. No storage, no order, no acks.
// Every text frame that comes in goes out, once, to everybody, by way of Redis.
import { createServer } from "node:http";
import Redis from "ioredis";
import { WebSocketServer } from "ws";

const CHANNEL = "bench.ws";
const publisher = new Redis(process.env.REDIS_URL);
const subscriber = new Redis(process.env.REDIS_URL);
const server = createServer((_request, response) => response.end("ok"));
const sockets = new WebSocketServer({ server, perMessageDeflate: false, maxPayload: 64 * 1024 });

sockets.on("connection", (socket) => {
  socket.on("message", (frame) => publisher.publish(CHANNEL, frame));
});
subscriber.on("messageBuffer", (_channel, frame) => {
  for (const socket of sockets.clients) socket.send(frame, { binary: false });
});
await subscriber.subscribe(CHANNEL);
server.listen(Number(process.env.PORT), "127.0.0.1");
