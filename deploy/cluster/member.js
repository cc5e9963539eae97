// Makes one replica set of the cluster, with its first user, once; run again it finds both and does
// nothing. For mongosh, started with --nodb on the server's own loopback: as long as a server has no
// user, only from there may one be made (deploy/cluster/sharded.yml, services *-init).
const { MEMBER: name, ROLE: role, MONGODB_ROOT_PASSWORD: password } = process.env;
const admin = connect("mongodb://127.0.0.1:27017/admin?directConnection=true");

function isKnown() {
  try {
    return Boolean(admin.auth("root", password));
  } catch (error) {
    if (error.codeName !== "AuthenticationFailed") throw error;
    return false;
  }
}

if (!isKnown()) {
  const members = [{ _id: 0, host: `${name}:27017` }];
  const wanted = role === "config" ? { _id: name, configsvr: true, members } : { _id: name, members };
  try {
    admin.adminCommand({ replSetInitiate: wanted });
    print(`replica set ${name} made`);
  } catch (error) {
    if (error.codeName !== "AlreadyInitialized") throw error;
  }
  for (let tries = 0; !admin.hello().isWritablePrimary; tries += 1) {
    if (tries === 60) throw new Error("no primary after a minute");
    sleep(1000);
  }
  admin.createUser({ user: "root", pwd: password, roles: ["root"] });
  print(`user root made in ${name}`);
}
