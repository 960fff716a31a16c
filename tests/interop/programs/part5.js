// Part 5 with the package ws.  node part5.js URL CMD_short:0 [CA]
const fs = require("fs");
const WebSocket = require("ws");

const [url, command, ca] = process.argv.slice(2);
const ws = new WebSocket(url, { perMessageDeflate: true, ca: ca && fs.readFileSync(ca) });

ws.on("open", () => {
    console.log("extensions:", ws.extensions || "none");
    ws.send(command);
});
ws.on("message", (data) => console.log(data.toString()));
ws.on("close", (code) => console.log("closed:", code));
ws.on("error", (error) => {
    console.error(error.message);
    process.exitCode = 1;
});
