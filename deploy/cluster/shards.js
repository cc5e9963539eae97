// Tells mongos of the shards and makes Parley's user, once; run again it finds both and does nothing.
// For mongosh, started with --nodb (deploy/cluster/sharded.yml, service mongo-init).
const { MONGODB_ROOT_PASSWORD: rootPassword, MONGODB_PASSWORD: password } = process.env;
const admin = connect(`mongodb://root:${encodeURIComponent(rootPassword)}@mongo:27017/admin`);

const there = admin.adminCommand({ listShards: 1 }).shards.map((shard) => shard._id);
for (const name of ["shard-1", "shard-2"]) {
  if (!there.includes(name)) {
    admin.adminCommand({ addShard: `${name}/${name}:27017`, name });
    print(`${name} added`);
  }
}

// What Parley does: read, write, watch, make indexes; in its own database and nowhere else.
const roles = [{ role: "readWrite", db: "parley" }, { role: "dbAdmin", db: "parley" }];
if (admin.getUser("parley") === null) {
  admin.createUser({ user: "parley", pwd: password, roles });
  print("user parley made");
} else {
  admin.updateUser("parley", { pwd: password, roles });
}
