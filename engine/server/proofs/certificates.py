"""Certificates made by the openssl program, for proofs of TLS."""
import atexit, os, shutil, ssl, subprocess, sys, tempfile

CA = ("[ca]\ndefault_ca = own\n[own]\ndatabase = index\nnew_certs_dir = .\npolicy = any\ndefault_md = sha256\n"
      "rand_serial = yes\nunique_subject = no\n[any]\ncommonName = supplied\n")
NOW_VALID = ("20200101000000Z", "20991231000000Z")


def made():
    """An authority of ours, a stranger's, and what they signed, in a folder that goes when Python ends; leaves with 77 where
    there is no openssl."""
    if not shutil.which("openssl"):
        print("skipped: there is no openssl")
        sys.exit(77)
    c = Certificates(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, c.folder, ignore_errors=True)
    c.authority("ours")
    c.authority("strangers")
    c.certificate("server", "IP:127.0.0.1")
    c.certificate("elsewhere", "DNS:elsewhere.example")
    c.certificate("expired", "IP:127.0.0.1", valid=("20200101000000Z", "20200201000000Z"))
    c.certificate("client", "DNS:sluice.example")
    c.certificate("stranger", "DNS:sluice.example", authority="strangers")
    return c


class Certificates:
    """A folder in which openssl makes authorities and certificates."""

    def __init__(self, folder):
        self.folder = folder
        self.write("ca.cnf", CA)
        self.write("index", "")

    def __getitem__(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self[name], "w") as file:
            file.write(text)

    def openssl(self, arguments):
        done = subprocess.run(["openssl", *arguments.split()], cwd=self.folder, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"openssl {arguments.split()[0]}: {done.stderr[-300:]}")

    def authority(self, name):
        self.openssl(f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name} "
                     f"-keyout {name}.key -out {name}.pem")

    def certificate(self, name, san, authority="ours", valid=NOW_VALID, use=""):
        """NAME.pem and NAME.key, the key first and each in one piece: a listener may be looking."""
        self.openssl(f"req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} "
                     "-keyout new.key -out new.csr")
        self.write("extensions", f"subjectAltName={san}\n" + (f"extendedKeyUsage={use}\n" if use else ""))
        self.openssl(f"ca -batch -config ca.cnf -cert {authority}.pem -keyfile {authority}.key -in new.csr -out new.pem "
                     f"-notext -extfile extensions -startdate {valid[0]} -enddate {valid[1]}")
        for ending in ("key", "pem"):
            os.replace(self[f"new.{ending}"], self[f"{name}.{ending}"])

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
