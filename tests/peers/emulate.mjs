// `node emulate.mjs <path of emulate's api.js>`: Twilio's API on a free loopback port, which is written to standard
// output.  Ends with standard input.
import net from "node:net";
import { pathToFileURL } from "node:url";

const { listen } = net.Server.prototype;
// emulate would listen on all interfaces, and at a port that somebody has to know to be free.
net.Server.prototype.listen = function () {
  this.once("listening", () => console.log(this.address().port));
  return listen.call(this, 0, "127.0.0.1");
};

const { createEmulator } = await import(pathToFileURL(process.argv[2]));
await createEmulator({ service: "twilio", port: 0 });
process.stdin.on("end", () => process.exit()).resume();
