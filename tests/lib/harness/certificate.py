"""A certificate for servers of tests."""
import subprocess


def certificate(directory, name="server"):
    """A self-signed certificate for localhost: (certificate, key)."""
    directory.mkdir(parents=True, exist_ok=True)
    crt, key = directory / f"{name}.crt", directory / f"{name}.key"
    done = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", crt, "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    key.chmod(0o600)
    return crt, key
