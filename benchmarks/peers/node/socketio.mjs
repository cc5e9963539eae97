// Owns one peer: Socket.IO with its Redis adapter, WebSocket transport only. No storage, no acks.
// Every `message` that comes in is emitted to the room, by way of Redis.
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import Redis from "ioredis";
import { Server } from "socket.io";

const ROOM = "bench";
const publisher = new Redis(process.env.REDIS_URL);
const server = createServer((_request, response) => response.end("ok"));
const io = new Server(server, {
  adapter: createAdapter(publisher, publisher.duplicate()),
  transports: ["websocket"],
  perMessageDeflate: false,
  maxHttpBufferSize: 64 * 1024,
});

io.on("connection", (socket) => {
  socket.join(ROOM);
  socket.on("message", (body) => io.to(ROOM).emit("message", body));
});
server.listen(Number(process.env.PORT), "127.0.0.1");
