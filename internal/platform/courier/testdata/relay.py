"""A mail relay for tests: aiosmtpd with STARTTLS and authentication, which does
what the recipient's name says and keeps what it takes in a folder."""
import asyncio, os, ssl, sys

from aiosmtpd.smtp import SMTP, AuthResult

folder, cert, key, mode = sys.argv[1:5]  # mode: starttls, implicit, plain


class Handler:
    taken = 0
    leaves = False  # hangs up after its yes, instead of a polite end

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("later"):
            return "451 4.3.0 try again later"
        if address.startswith("never"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if envelope.rcpt_tos[0].startswith("hang"):
            await asyncio.sleep(3600)
        Handler.taken += 1
        with open(os.path.join(folder, f"{Handler.taken:04d}.eml"), "wb") as f:
            f.write(envelope.content)
        if envelope.rcpt_tos[0].startswith("drop"):
            server.transport.abort()
            await asyncio.sleep(0)
        Handler.leaves = envelope.rcpt_tos[0].startswith("leaves")
        return "250 taken"

    async def handle_RSET(self, server, session, envelope):
        if Handler.leaves:
            server.transport.abort()
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"egide" and data.password == b"secret-of-the-test")


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)


def session():
    if mode == "implicit":
        return SMTP(Handler(), hostname="relay.test", authenticator=authenticate, auth_required=True, auth_require_tls=False)
    if mode == "plain":
        return SMTP(Handler(), hostname="relay.test")
    return SMTP(Handler(), hostname="relay.test", tls_context=context, require_starttls=True, authenticator=authenticate, auth_required=True)


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", 0, ssl=context if mode == "implicit" else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)  # until the test lets go
    os._exit(0)


asyncio.run(main())
