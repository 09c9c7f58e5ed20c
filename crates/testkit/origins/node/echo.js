// Node's HTTP servers, each telling how it read a request: echo.js NAME HOST PORT.
//
// The answer's header x-seen has four fields in base64, separated by dots: method, target, body, header lines.
"use strict";

const [name, host, port] = process.argv.slice(2);

if (name === "http-parser-js") {
  // Takes the place of node's own parser, before anything asks for that.
  process.binding("http_parser").HTTPParser = require("http-parser-js").HTTPParser;
}

const http = require("node:http");
const b64 = (value) => Buffer.from(value, "latin1").toString("base64");

function seen(request, body) {
  const lines = [];
  const list = request.rawHeaders;
  for (let i = 0; i < list.length; i += 2) lines.push(`${list[i]}: ${list[i + 1]}\n`);
  const target = request.originalUrl ?? request.url;
  return [b64(request.method), b64(target), body.toString("base64"), b64(lines.join(""))].join(".");
}

function answer(request, response) {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("error", () => {});
  request.on("end", () => {
    response.setHeader("x-seen", seen(request, Buffer.concat(chunks)));
    response.setHeader("content-length", "3");
    response.end("ok\n");
  });
}

let handler = answer;
if (name === "express") {
  handler = require("express")();
  handler.disable("x-powered-by");
  handler.use(answer);
}
const server = http.createServer({ keepAliveTimeout: 75000 }, handler);
server.listen(Number(port), host);
