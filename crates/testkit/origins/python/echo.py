"""Python's HTTP servers, each telling how it read a request: echo.py NAME HOST PORT.

The answer's header x-seen has four fields in base64, separated by dots: method, target, body, header lines.
"""

import asyncio
import sys
from base64 import b64encode
from urllib.parse import quote


def seen(method, target, body, headers):
    """Of bytes, and a list of pairs of bytes."""
    lines = b"".join(name + b": " + value + b"\n" for name, value in headers)
    return ".".join(b64encode(part).decode() for part in (method, target, body, lines))


def wsgi(environ, start_response):
    # gevent takes all that follows an Upgrade for the input.
    has_body = environ.get("CONTENT_LENGTH") or environ.get("HTTP_TRANSFER_ENCODING")
    body = environ["wsgi.input"].read() if has_body else b""
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if raw is None:
        raw = quote(environ["PATH_INFO"].encode("latin-1"), safe="/:@!$&'()*+,;=-._~")
        raw += "?" + environ["QUERY_STRING"] if environ.get("QUERY_STRING") else ""
    headers = [
        (name[5:].replace("_", "-").lower().encode(), str(value).encode("latin-1"))
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]
    line = seen(environ["REQUEST_METHOD"].encode("latin-1"), raw.encode("latin-1"), body, headers)
    start_response("200 OK", [("x-seen", line), ("content-length", "3")])
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else b"ok\n"]


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    target = scope["raw_path"]
    if scope["query_string"] and b"?" not in target:
        target += b"?" + scope["query_string"]
    line = seen(scope["method"].encode(), target, body, scope["headers"])
    headers = [(b"x-seen", line.encode()), (b"content-length", b"3")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok\n"})


def stdlib(host, port):
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def chunks(self):
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass

        def answer(self):
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                body = b"".join(self.chunks())
            else:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in self.headers.items()]
            # Its own word for the target has lost what http.server takes for an accident.
            target = self.requestline.split(" ")[1]
            self.send_response(200)
            self.send_header("x-seen", seen(self.command.encode(), target.encode("latin-1"), body, headers))
            self.send_header("content-length", "3")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(b"ok\n")

        def __getattr__(self, name):
            if name.startswith("do_"):
                return self.answer
            raise AttributeError(name)

        def log_message(self, *_):
            pass

    ThreadingHTTPServer((host, port), Handler).serve_forever()


def gunicorn(host, port):
    from gunicorn.app.base import BaseApplication

    class App(BaseApplication):
        def load_config(self):
            for key, value in {
                "bind": f"{host}:{port}", "workers": 1, "threads": 8, "worker_class": "gthread", "keepalive": 75,
                "loglevel": "warning",
            }.items():
                self.cfg.set(key, value)

        def load(self):
            return wsgi

    sys.argv = sys.argv[:1]
    App().run()


def uvicorn(parser):
    def run(host, port):
        import uvicorn as server

        server.run(asgi, host=host, port=port, http=parser, ws="none", timeout_keep_alive=75, log_level="warning")

    return run


def hypercorn(host, port):
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"{host}:{port}"]
    config.keep_alive_timeout = 75
    asyncio.run(serve(asgi, config))


def waitress(host, port):
    import waitress as server

    server.serve(wsgi, host=host, port=port, threads=8, channel_timeout=75, clear_untrusted_proxy_headers=False, _quiet=True)


def tornado(host, port):
    from tornado.httpserver import HTTPServer
    from tornado.httputil import HTTPHeaders, ResponseStartLine

    def answer(request):
        headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in request.headers.get_all()]
        line = seen(request.method.encode("latin-1"), request.uri.encode("latin-1"), request.body, headers)
        start = ResponseStartLine("HTTP/1.1", 200, "OK")
        body = b"" if request.method == "HEAD" else b"ok\n"
        request.connection.write_headers(start, HTTPHeaders({"x-seen": line, "content-length": "3"}), body)
        request.connection.finish()

    async def run():
        HTTPServer(answer, idle_connection_timeout=75).listen(port, host)
        await asyncio.Event().wait()

    asyncio.run(run())


def aiohttp(host, port):
    from aiohttp import web

    async def answer(request):
        body = await request.read()
        line = seen(request.method.encode(), request.raw_path.encode("utf-8", "surrogateescape"), body, request.raw_headers)
        return web.Response(text="ok\n", headers={"x-seen": line})

    async def run():
        runner = web.ServerRunner(web.Server(answer, keepalive_timeout=75))
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        await asyncio.Event().wait()

    asyncio.run(run())


def cheroot(host, port):
    from cheroot.wsgi import Server

    Server((host, port), wsgi, numthreads=8, timeout=75).start()


def gevent(host, port):
    from gevent.pywsgi import WSGIHandler, WSGIServer

    class Handler(WSGIHandler):
        def get_environ(self):
            return {**super().get_environ(), "RAW_URI": self.path}

    WSGIServer((host, port), wsgi, handler_class=Handler, log=None).serve_forever()


def twisted(host, port):
    from twisted.internet import reactor
    from twisted.web.resource import Resource
    from twisted.web.server import Site

    class Echo(Resource):
        isLeaf = True

        def render(self, request):
            headers = [(name, v) for name, values in request.requestHeaders.getAllRawHeaders() for v in values]
            line = seen(request.method, request.uri, request.content.read(), headers)
            request.setHeader("x-seen", line)
            request.setHeader("content-length", "3")
            return b"" if request.method == b"HEAD" else b"ok\n"

    reactor.listenTCP(port, Site(Echo(), timeout=75), interface=host)
    reactor.run()


SERVERS = {
    "http.server": stdlib,
    "gunicorn": gunicorn,
    "uvicorn-h11": uvicorn("h11"),
    "uvicorn-httptools": uvicorn("httptools"),
    "hypercorn": hypercorn,
    "waitress": waitress,
    "tornado": tornado,
    "aiohttp": aiohttp,
    "cheroot": cheroot,
    "gevent": gevent,
    "twisted": twisted,
}

if __name__ == "__main__":
    name, host, port = sys.argv[1:]
    SERVERS[name](host, int(port))
