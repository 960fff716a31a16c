// Part 2: the PDC in JavaScript.  node part2.js PORT CMD_short:0
const net = require("net");

const [port, command] = process.argv.slice(2);
let received = "";

const socket = net.connect(port, "localhost", () => socket.write(command));
socket.on("data", (data) => { received += data; });
socket.on("end", () => {
    console.log(received.replace(/(\d)This/g, "$1\nThis"));
});
socket.on("error", (error) => {
    console.error(error.message);
    process.exit(1);
});
