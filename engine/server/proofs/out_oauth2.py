#!/usr/bin/env python3
"""FHIR out under OAuth2 client credentials, on the real binary.

usage: out_oauth2.py [--seconds S]

A token server whose tokens last a few seconds, that forgets them, answers 503, is gone, and is given another secret; a FHIR
server that takes none but live tokens; both by https. Nothing is lost, no token is asked for more often than one ends, and
neither secrets nor tokens nor patients are in the log, the metrics or what is answered. Exit 0, 1, or 77 without openssl.
"""
import argparse, base64, json, os, random, secrets, socket, sys, time, urllib.parse
from http.server import BaseHTTPRequestHandler
from certificates import made
from outward import Feed, Server, depth, must, nothing_leaks, queue, until, wrong
from real import CONFIG, Sender, Sluice

DELIVERY = ("delivery = { from = \"beginning\", window = 8, retry_first_ms = 20, retry_max_ms = 100, "
            "breaker_failures = 20, breaker_open_ms = 50, answered_retries_max = 0 }")


class Tokens:
    """What a token server gave out, and how long it is good for."""

    LASTS = 4

    def __init__(self):
        self.secret, self.live, self.all, self.refused, self.mode = secrets.token_urlsafe(24) + "+&é", {}, [], 0, 200
        self.wrong = 0

    def grant(self):
        token = secrets.token_urlsafe(24)
        self.live[token] = time.monotonic() + self.LASTS
        self.all.append(token)
        return token

    def admits(self, authorization):
        good = self.live.get(authorization.removeprefix("Bearer "), 0) > time.monotonic()
        self.refused += not good
        return good

    def basic(self):
        pair = f"sluice:{urllib.parse.quote_plus(self.secret)}"
        return base64.b64encode(pair.encode()).decode()


class Grants(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        tokens = self.server.tokens
        if tokens.mode is None:  # Gone: nor is it there for those that are connected.
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        status, body = tokens.mode, {"error": "temporarily_unavailable"}
        if form != {"grant_type": ["client_credentials"], "scope": ["system/*.write"]}:
            status, body = 400, {"error": "invalid_request"}
        elif self.headers["authorization"] != "Basic " + tokens.basic():
            status, body = 401, {"error": "invalid_client"}
            tokens.wrong += 1
        elif status == 200:
            body = {"access_token": tokens.grant(), "token_type": "Bearer", "expires_in": tokens.LASTS}
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class TokenServer(Server):
    def __init__(self, tokens, tls, port=0):
        self.tokens, self.wanted = tokens, port
        super().__init__(tls=tls, handler=Grants)

    def server_bind(self):
        self.server_address = ("127.0.0.1", self.wanted)
        super().server_bind()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=6, help="of the feed while tokens end")
    seconds, c, tokens = parser.parse_args().seconds, made(), Tokens()
    fhir = Server(admits=tokens.admits, tls=c.serving())
    server = TokenServer(tokens, c.serving())
    file = c["secret"]

    def write():
        with open(file, "w") as out:
            out.write(tokens.secret + "\n")

    write()
    config = CONFIG + f"""
[[channel.destination]]
type = "fhir"
name = "server"
url = "https://127.0.0.1:{fhir.port}"
ca = "{c['ours.pem']}"
oauth2 = {{ token_url = "https://127.0.0.1:{server.port}/token", client_id = "sluice", client_secret_file = "{file}", \
scope = "system/*.write" }}
{DELIVERY}
"""
    sluice = Sluice(os.path.join(c.folder, "granted"), config=config, extra=["--set", "log.level=trace"])
    sender, feed, rng = Sender(sluice.mllp), Feed(random.Random(8)), random.Random(9)

    def play(count, seconds=0.0):
        for _ in range(count):
            assert feed.send(sender)
            time.sleep(seconds / count)

    def arrived(told):
        must(until(lambda: sluice.caught_up() and depth(sluice) == 0), f"{told}: all of it arrived")

    def waits(trouble, told):
        play(20)
        must(until(lambda: queue(sluice, "server")["trouble"] in trouble) and depth(sluice) > 0,
             f"{told}: {queue(sluice, 'server')['trouble']}; {depth(sluice)} wait")

    began = time.monotonic()
    play(20 * seconds, seconds)
    arrived(f"{seconds} s of tokens that last {Tokens.LASTS} s")
    asked, most = len(tokens.all), 2 + (time.monotonic() - began) / (Tokens.LASTS / 2)
    must(1 < asked <= most and not tokens.refused, f"asked for {asked} tokens, at most {most:.0f}; {tokens.refused} were old")
    play(10)
    tokens.live.clear()
    play(20)
    arrived("the server forgot all tokens")
    must(tokens.refused, f"{tokens.refused} times an old one was shown, and a new one asked for")
    tokens.mode = 503
    tokens.live.clear()
    waits({"token server: http 503"}, "the token server says 503")
    tokens.mode = 200
    arrived("it gives tokens again")
    tokens.mode = None
    server.shutdown()
    server.server_close()
    tokens.live.clear()
    waits({"token server: connect", "token server: reset"}, "the token server is gone")
    tokens.mode, server = 200, TokenServer(tokens, c.serving(), server.port)
    arrived("it is back")
    before = [tokens.secret, tokens.basic()]
    tokens.secret = secrets.token_urlsafe(24)
    tokens.live.clear()
    waits({"token server: http 401"}, "the secret is not good any more")
    write()
    arrived("its file has the new one")
    play(10)
    sluice.kill()
    sender.close()
    sluice = Sluice(os.path.join(c.folder, "granted"), config=config, extra=["--set", "log.level=trace"])
    sender = Sender(sluice.mllp)
    play(10)
    arrived("after a kill -9")
    behind, missing = fhir.judge(sluice)
    must(not (behind or missing or fhir.fell), f"{len(fhir.versions)} resources, fell {fhir.fell}, behind {behind}, missing {missing}")
    nothing_leaks(sluice, [*before, tokens.secret, tokens.basic(), *tokens.all, "PROOFER", "P1X1"])
    must(sluice.stop() == 0, "a stop")
    sys.exit(bool(wrong))


main()
