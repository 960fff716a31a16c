#!/usr/bin/env bash
# wolfSSL 5.5.4 (Debian 12: libwolfssl35 5.5.4-2+deb12u3): a CA's name constraint for DNS names
# shuts out addresses.
#
# RFC 5280 4.2.1.10: restrictions apply only to names of the form that they are for, and a
# certificate without a name of that form is acceptable. So under a CA with
# "permitted;DNS:localhost" a certificate for DNS:localhost and IP:127.0.0.1 is good, and OpenSSL
# (strict), GnuTLS and NSS say so. wolfSSL answers -198 (ASN_NAME_INVALID_E).
#
# Expected: verify 1 for both certificates. Seen: 1 for DNS:localhost alone, -198 with IP:127.0.0.1
# beside it.
#
# Needs apt-get, dpkg-deb, gcc, openssl. Exit status: 0 it is as described, 1 it is not, or could
# not be tried.
set -euo pipefail

version=5.5.4-2+deb12u3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for package in "libwolfssl35=$version" "libwolfssl-dev=$version"; do
    apt-get -qq download "$package" 2>/dev/null ||
        { echo "$package cannot be had any more"; exit 1; }
done
for package in *.deb; do
    dpkg-deb -x "$package" .
done

cat >verify.c <<'END'
#include <wolfssl/options.h>

#include <stdio.h>
#include <wolfssl/ssl.h>

int main(int argc, char **argv)
{
	wolfSSL_Init();
	WOLFSSL_CERT_MANAGER *manager = wolfSSL_CertManagerNew();
	if (wolfSSL_CertManagerLoadCA(manager, argv[1], NULL) != 1)
		return 1;
	printf("%d\n", wolfSSL_CertManagerVerify(manager, argv[2], WOLFSSL_FILETYPE_PEM));
	return 0;
}
END
library=$(dirname "$(find . -name 'libwolfssl.so.*' | head -n1)")
gcc -Iusr/include verify.c -o verify -L"$library" -lwolfssl

printf '[req]\ndistinguished_name=name\n[name]\n' >request.cnf
printf '%s\n' '[ca]' basicConstraints=critical,CA:TRUE keyUsage=critical,keyCertSign \
    subjectKeyIdentifier=hash 'nameConstraints=critical,permitted;DNS:localhost' >ca.cnf
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }
key ca.key
openssl req -new -config request.cnf -key ca.key -subj '/CN=A test CA' -out ca.csr
openssl x509 -req -in ca.csr -signkey ca.key -days 30 -extfile ca.cnf -extensions ca \
    -out ca.pem 2>/dev/null

# verified NAMES: what wolfSSL answers for a certificate of these names, and OpenSSL beside it
verified() {
    printf '%s\n' '[server]' basicConstraints=critical,CA:FALSE extendedKeyUsage=serverAuth \
        "subjectAltName=$1" >server.cnf
    key server.key
    openssl req -new -config request.cnf -key server.key -subj '/CN=localhost' -out server.csr
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \
        -extfile server.cnf \
        -extensions server -out server.pem 2>/dev/null
    openssl verify -x509_strict -CAfile ca.pem server.pem >/dev/null ||
        { echo "OpenSSL refuses $1"; exit 1; }
    LD_LIBRARY_PATH=$library ./verify ca.pem server.pem
}
name=$(verified DNS:localhost)
both=$(verified DNS:localhost,IP:127.0.0.1)
echo "wolfSSL $version: DNS:localhost $name, DNS:localhost and IP:127.0.0.1 $both" \
    "(OpenSSL: both good)"
[[ $name == 1 && $both == -198 ]]
