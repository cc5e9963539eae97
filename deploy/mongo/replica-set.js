// Makes the replica set and Parley's user, once; run again it finds both and does nothing.
// For mongosh, started with --nodb (docker-compose.yml, service mongo-init).
const { MONGODB_ROOT_PASSWORD: rootPassword, MONGODB_PASSWORD: password } = process.env;
const root = connect(
  `mongodb://root:${encodeURIComponent(rootPassword)}@mongo:27017/admin?directConnection=true`,
);

try {
  root.adminCommand({ replSetGetStatus: 1 });
} catch (error) {
  if (error.codeName !== "NotYetInitialized") throw error;
  root.adminCommand({
    replSetInitiate: { _id: "rs0", members: [{ _id: 0, host: "mongo:27017" }] },
  });
  print("replica set rs0 made");
}
for (let tries = 0; !root.hello().isWritablePrimary; tries += 1) {
  if (tries === 60) throw new Error("no primary after a minute");
  sleep(1000);
}

// What Parley does: read, write, watch, make indexes; in its own database and nowhere else.
const roles = [{ role: "readWrite", db: "parley" }, { role: "dbAdmin", db: "parley" }];
if (root.getUser("parley") === null) {
  root.createUser({ user: "parley", pwd: password, roles });
  print("user parley made");
} else {
  root.updateUser("parley", { pwd: password, roles });
}
