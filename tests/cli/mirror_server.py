"""A server on the loopback interface. Each of its folders is a mirror of four files, with its own handler.

A handler is a function of the request. `right` answers as a good mirror does; the others simulate the
failures of mirrors. The server records each request and the status of its answer.
"""
import collections
import contextlib
import gzip
import http.server
import threading

Asked = collections.namedtuple("Asked", "mirror name first status")  # first: first byte of the Range, or None
BEGINNING = 8192  # bytes sent before a mirror stalls; curl writes 4096 at a time
PAGE = b"<html><body>Sign in to use this network</body></html>\n"


class Server(http.server.ThreadingHTTPServer):
    """files: {name: bytes} of a good mirror; handlers: {mirror: handler}."""

    def __init__(self, files, handlers):
        super().__init__(("127.0.0.1", 0), Request)
        self.files, self.handlers, self.asked = files, handlers, []
        self.closing = threading.Event()

    @property
    def mirrors(self):
        """The value of MNIST_BLAS_MIRRORS."""
        return " ".join(f"http://127.0.0.1:{self.server_port}/{mirror}" for mirror in self.handlers)

    def handle_error(self, request, client_address):
        """Some tests let a client disconnect, which is not an error."""


@contextlib.contextmanager
def serve(files, **handlers):
    server = Server(files, handlers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


class Request(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        _, mirror, self.name = self.path.split("/")
        self.mirror = mirror
        self.count = sum(asked.mirror == mirror for asked in self.server.asked)  # earlier requests
        self.body = self.server.files[self.name]
        given = self.headers.get("Range")
        self.first = int(given.removeprefix("bytes=").removesuffix("-")) if given else None
        self.server.handlers[mirror](self)

    def head(self, status, length, **headers):
        self.server.asked.append(Asked(self.mirror, self.name, self.first, status))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def reply(self, status, body, **headers):
        self.head(status, len(body), **headers)
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def right(request):
    body, first = request.body, request.first
    if first is None:
        request.reply(200, body, Accept_Ranges="bytes")
    elif first >= len(body):
        request.reply(416, PAGE, Content_Range=f"bytes */{len(body)}")
    else:
        request.reply(206, body[first:],
                      Content_Range=f"bytes {first}-{len(body) - 1}/{len(body)}")


def without_ranges(request):
    request.reply(200, request.body)


def changed(change):
    """Answers 200 with the file's bytes changed by `change`."""
    return lambda request: request.reply(200, change(request.body))


page = changed(lambda body: PAGE)
nothing = changed(lambda body: b"")
other_contents = changed(lambda body: gzip.compress(b"other contents"))
corrupt = changed(lambda body: body[:len(body) // 2] + b"?" * 9 + body[len(body) // 2 + 9:])
short = changed(lambda body: body[:-9])
with_tail = changed(lambda body: body + b"tail")
unpacked = changed(gzip.decompress)


def status(*codes, then=right):
    """Answers with these status codes, one per request, then with `then`."""
    def answer(request):
        if request.count < len(codes):
            request.reply(codes[request.count], PAGE)
        else:
            then(request)
    return answer


def cut(then):
    """The connection breaks in the middle of the mirror's first answer; then `then` answers."""
    def answer(request):
        if request.count > 0:
            then(request)
        else:
            request.head(200, len(request.body))
            request.wfile.write(request.body[:len(request.body) // 2])
    return answer


def stalled(request):
    """Sends the beginning, then nothing."""
    request.head(200, len(request.body))
    request.wfile.write(request.body[:BEGINNING])
    request.server.closing.wait()


def huge(request):
    """Promises two gigabytes."""
    request.head(200, 2 << 30)


def endless(request):
    """Promises no length and sends more than any of the files has."""
    request.send_response(200)
    request.end_headers()
    try:
        for _ in range(65):
            request.wfile.write(bytes(1 << 20))
    except OSError:
        pass


def slow(request):
    """Sends about 100 bytes per second."""
    request.head(200, len(request.body))
    for byte in request.body:
        request.wfile.write(bytes([byte]))
        if request.server.closing.wait(0.01):
            break


def silent(request):
    request.server.asked.append(Asked(request.mirror, request.name, request.first, None))
    request.server.closing.wait()
