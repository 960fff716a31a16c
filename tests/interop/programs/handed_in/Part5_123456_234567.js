// Part 5: the PDC over WebSocket.  node Part5_123456_234567.js CMD_short:0
const WebSocket = require("ws");

const ws = new WebSocket("ws://tcpip.epfl.ch:5006");
let messages = 0;

ws.onopen = () => ws.send(process.argv[2]);
ws.onmessage = (event) => {
    messages++;
    console.log(event.data.toString());
};
ws.onclose = () => console.log("on_message:", messages);
