"""Certificates made by the openssl program, for proofs of TLS."""
import os, shutil, ssl, subprocess, sys, tempfile


def made():
    """They, in a folder of their own; leaves with 77 where there is no openssl."""
    if not shutil.which("openssl"):
        print("skipped: there is no openssl")
        sys.exit(77)
    return Certificates(tempfile.mkdtemp())


class Certificates:
    """An authority of ours, a stranger's, and what they signed."""

    def __init__(self, folder):
        self.folder = folder
        with open(self["ca.cnf"], "w") as file:
            file.write(f"[ca]\ndefault_ca = own\n[own]\ndatabase = {folder}/index\nnew_certs_dir = {folder}\npolicy = any\n"
                       "default_md = sha256\nrand_serial = yes\nunique_subject = no\n[any]\ncommonName = supplied\n")
        open(self["index"], "w").close()
        for authority in ("ours", "strangers"):
            self.openssl("req", "-x509", *self.key(authority), "-days", "2", "-out", self[authority + ".pem"])
        self.sign("server", "IP:127.0.0.1", "ours")
        self.sign("elsewhere", "DNS:elsewhere.example", "ours")
        self.sign("expired", "IP:127.0.0.1", "ours", end="20200201000000Z")
        self.sign("client", "DNS:sluice.example", "ours")
        self.sign("stranger", "DNS:sluice.example", "strangers")

    def __getitem__(self, name):
        return os.path.join(self.folder, name)

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    def key(self, name):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                "-keyout", self[name + ".key"])

    def sign(self, name, san, authority, end="20991231000000Z"):
        self.openssl("req", *self.key(name), "-out", self["csr"])
        with open(self["san"], "w") as file:
            file.write(f"subjectAltName={san}\n")
        self.openssl("ca", "-batch", "-config", self["ca.cnf"], "-cert", self[authority + ".pem"],
                     "-keyfile", self[authority + ".key"], "-in", self["csr"], "-out", self[name + ".pem"], "-notext",
                     "-extfile", self["san"], "-startdate", "20200101000000Z", "-enddate", end)

    def serving(self, name="server", clients=False, newest=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self[name + ".pem"], self[name + ".key"])
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self["ours.pem"])
        if newest:
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.maximum_version = newest
            if newest < ssl.TLSVersion.TLSv1_2:
                context.set_ciphers("ALL:@SECLEVEL=0")
        return context
