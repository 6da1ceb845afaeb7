"""A small threaded HTTP/1.1 server for moto's WSGI application.

Werkzeug's development server closes every connection and waits 10 ms after
each answer, which is most of the time an emulated call takes. This one keeps
connections open (one thread each), reads each body whole before it calls the
application, and sends each answer in one write.

Calls are carried out one at a time. moto's state is plain dictionaries that
threads would change under each other, and Python runs one thread at a time
anyway, so nothing is lost and every call is atomic.
"""

import http.client
import io
import json
import socket
import socketserver
import sys
import threading
import traceback
from urllib.parse import unquote, urlsplit

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    create_backend_app,
)

from . import later

IDLE_SECONDS = 120


def unknown_service(environ, start_response):
    """A service moto lacks: also a typed 501."""
    scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].split("/")
    service = scope[3] if len(scope) > 3 else "?"
    body = json.dumps({"__type": "NotImplemented", "message": f"the emulator has no service {service}"}).encode()
    headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", "NotImplemented")]
    start_response("501 Not Implemented", headers)
    return [body]


def application(backend: str | None):
    """The WSGI application of a service, by moto's name for it."""
    return create_backend_app(backend) if backend else unknown_service


class Closed(Exception):
    """The client closed its connection between two requests."""


class Handler(socketserver.StreamRequestHandler):
    """One connection: requests are read, answered and forgotten in turn."""

    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS

    def handle(self) -> None:
        try:
            while self.answer():
                pass
        except (Closed, ConnectionError, TimeoutError):
            pass

    def line(self) -> str:
        line = self.rfile.readline(65537)
        if not line:
            raise Closed
        return line.decode("latin-1").rstrip("\r\n")

    def answer(self) -> bool:
        """Handle one request; says whether the connection stays open."""
        method, target, version = self.line().split(" ", 2)
        environ = self.environ(method, target, version)
        headers = self.headers(environ)
        environ["wsgi.input"] = io.BytesIO(self.body(headers))
        if "transfer-encoding" in headers:
            environ["wsgi.input_terminated"] = True
        keep = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
        self.reply(method, keep, *self.call(environ))
        return keep

    def environ(self, method: str, target: str, version: str) -> dict:
        url = urlsplit(target if target.startswith("http") else f"http://emulator{target}")
        host, port = self.server.server_address[:2]
        return {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(url.path, "latin-1"),
            "QUERY_STRING": url.query,
            "REQUEST_URI": target,
            "RAW_URI": target,
            "REMOTE_ADDR": self.client_address[0],
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": version,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }

    def headers(self, environ: dict) -> dict[str, str]:
        headers = {}
        while line := self.line():
            name, _, value = line.partition(":")
            name, value = name.lower(), value.strip()
            headers[name] = value
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        return headers

    def body(self, headers: dict[str, str]) -> bytes:
        if headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in headers.get("transfer-encoding", ""):
            chunks = []
            while size := int(self.line().partition(";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.line()
            while self.line():
                pass
            return b"".join(chunks)
        return self.rfile.read(int(headers.get("content-length") or 0))

    def call(self, environ: dict) -> tuple[str, list[tuple[str, str]], bytes]:
        """The application's status line, headers and body; a crash is a 500."""
        started: list = []
        try:
            with self.server.one_at_a_time:
                later.catch_up()
                parts = self.server.application(
                    environ, lambda status, headers, _=None: started.extend((status, headers))
                )
                try:
                    body = b"".join(parts)
                finally:
                    getattr(parts, "close", lambda: None)()
            if started[0].startswith("404") and body.startswith(b"<!doctype html>"):
                return self.unknown(environ)
            return started[0], started[1], body
        except Exception:
            target = environ.get("HTTP_X_AMZ_TARGET", "")
            print(f"{environ['REQUEST_METHOD']} {environ['RAW_URI']} {target}", file=sys.stderr)
            traceback.print_exc()
            return "500 Internal Server Error", [("Content-Type", "text/plain")], b"the emulator failed"

    def unknown(self, environ: dict) -> tuple[str, list[tuple[str, str]], bytes]:
        """A path moto has no operation for, also a typed 501."""
        message = f"the emulator has no operation {environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        body = json.dumps({"__type": "NotImplemented", "message": message}).encode()
        headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", "NotImplemented")]
        return "501 Not Implemented", headers, body

    def reply(self, method: str, keep: bool, status: str, headers: list, body: bytes) -> None:
        code = int(status.split(" ", 1)[0])
        lines = [f"HTTP/1.1 {code} {http.client.responses.get(code, 'Unknown')}"]
        has_body = code >= 200 and code not in (204, 304)
        for name, value in headers:
            if name.lower() == "content-length" and method != "HEAD":
                continue
            lines.append(f"{name}: {value}")
        if method != "HEAD" and has_body:
            lines.append(f"Content-Length: {len(body)}")
        elif method == "HEAD" and not any(name.lower() == "content-length" for name, _ in headers):
            lines.append("Content-Length: 0")
        if not keep:
            lines.append("Connection: close")
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        self.wfile.write(head + body if method != "HEAD" and has_body else head)


class Server(socketserver.ThreadingTCPServer):
    """The listening socket; it accepts as soon as it exists."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = socket.SOMAXCONN

    def __init__(self, address: tuple[str, int]) -> None:
        self.one_at_a_time = threading.Lock()
        self.application = DomainDispatcherApplication(application)
        super().__init__(address, Handler)

    @property
    def port(self) -> int:
        return self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        traceback.print_exc()
