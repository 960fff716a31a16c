// Part 2: the PDC in JavaScript.  node Part2_123456_234567.js CMD_short:0
const net = require("net");

let text = "";
const client = net.createConnection({ host: "tcpip.epfl.ch", port: 5003 }, () => {
    client.write(process.argv[2]);
});
client.on("data", (data) => { text += data.toString(); });
client.on("end", () => {
    console.log(text.split(/(?<=\d)(?=This is PMU)/).join("\n"));
});
