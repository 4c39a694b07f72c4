"""A server on the loopback whose folders are mirrors of four files, each with its own way to answer.

A way is a function of the request. `right` answers as a good mirror does; the others are what goes
wrong with mirrors. The server keeps a list of what it was asked and what it answered.
"""
import collections
import contextlib
import gzip
import http.server
import threading

Asked = collections.namedtuple("Asked", "mirror name first status")  # first: byte of the Range, or None
BEGINNING = 8192  # bytes that come before a mirror stalls: curl hands its files 4096 at a time
PAGE = b"<html><body>Sign in to use this network</body></html>\n"


class Server(http.server.ThreadingHTTPServer):
    """files: {name: bytes} as a right mirror gives them; ways: {mirror: way}."""

    def __init__(self, files, ways):
        super().__init__(("127.0.0.1", 0), Request)
        self.files, self.ways, self.asked = files, ways, []
        self.closing = threading.Event()

    @property
    def mirrors(self):
        """The value of MNIST_BLAS_MIRRORS."""
        return " ".join(f"http://127.0.0.1:{self.server_port}/{mirror}" for mirror in self.ways)

    def handle_error(self, request, client_address):
        """A client that goes away is what some tests are about, and no error here."""


@contextlib.contextmanager
def serve(files, **ways):
    server = Server(files, ways)
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
        self.count = sum(asked.mirror == mirror for asked in self.server.asked)  # of requests before
        self.body = self.server.files[self.name]
        given = self.headers.get("Range")
        self.first = int(given.removeprefix("bytes=").removesuffix("-")) if given else None
        self.server.ways[mirror](self)

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


def says(change):
    """Says OK, and what follows is the right bytes changed."""
    return lambda request: request.reply(200, change(request.body))


page = says(lambda body: PAGE)
nothing = says(lambda body: b"")
other_contents = says(lambda body: gzip.compress(b"other contents"))
corrupt = says(lambda body: body[:len(body) // 2] + b"?" * 9 + body[len(body) // 2 + 9:])
short = says(lambda body: body[:-9])
with_tail = says(lambda body: body + b"tail")
unpacked = says(gzip.decompress)


def status(*codes, then=right):
    """Fails with these codes, one a request, and then answers."""
    def way(request):
        if request.count < len(codes):
            request.reply(codes[request.count], PAGE)
        else:
            then(request)
    return way


def cut(then):
    """The mirror's first answer ends in the middle, and the connection with it."""
    def way(request):
        if request.count > 0:
            then(request)
        else:
            request.head(200, len(request.body))
            request.wfile.write(request.body[:len(request.body) // 2])
    return way


def stalled(request):
    """The beginning, and then nothing more."""
    request.head(200, len(request.body))
    request.wfile.write(request.body[:BEGINNING])
    request.server.closing.wait()


def slow(request):
    """About a hundred bytes a second."""
    request.head(200, len(request.body))
    for byte in request.body:
        request.wfile.write(bytes([byte]))
        if request.server.closing.wait(0.01):
            break


def silent(request):
    request.server.asked.append(Asked(request.mirror, request.name, request.first, None))
    request.server.closing.wait()
