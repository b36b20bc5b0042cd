#!/bin/bash
# Sets up the judges that the differential tests ask: procmail and formail,
# Pigeonhole's sievec and sieve-test, and Cyrus's sievec. Debian; needs root
# for what is not there yet, and does nothing where all is there.
set -euo pipefail

cyrus="${SIEVIFY_CYRUS:-/opt/sievify-oracles/cyrus}"

missing=()
command -v procmail >/dev/null && command -v formail >/dev/null || missing+=(procmail)
command -v sievec >/dev/null && command -v sieve-test >/dev/null || missing+=(dovecot-sieve)
for program in unshare:util-linux chroot:coreutils ldd:libc-bin; do
    command -v "${program%%:*}" >/dev/null || missing+=("${program##*:}")
done

cyrus_works() {
    [ -x "$cyrus/usr/lib/cyrus/bin/sievec" ] &&
        ! LD_LIBRARY_PATH="$cyrus/libraries" ldd "$cyrus/usr/lib/cyrus/bin/sievec" | grep -q 'not found'
}

if [ ${#missing[@]} -eq 0 ] && cyrus_works; then
    exit 0
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
if [ ${#missing[@]} -gt 0 ]; then
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

# cyrus-common is a whole mail server: only unpacked, never installed, with the
# libraries its compiler needs and this machine lacks.
if ! cyrus_works; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$cyrus/libraries"
    (
        cd "$work"
        apt-get download -qq cyrus-common libical3 libpcre3 libxapian30 libjansson4 libicu72 \
            libsqlite3-0 libxml2 libsasl2-2 libwrap0 libzephyr4 libpq5 libldap-2.5-0 libclamav12
        for package in *.deb; do
            dpkg -x "$package" "$cyrus"
        done
    )
    # What the system has comes from the system.
    find "$cyrus" -name '*.so*' ! -path "$cyrus/libraries/*" -path '*linux-gnu*' | while read -r library; do
        name=$(basename "$library")
        if ! ldconfig -p | grep -qF "	$name "; then
            cp -P "$library" "$cyrus/libraries/"
        fi
    done
fi
cyrus_works || { echo "Cyrus's sievec lacks libraries" >&2; exit 1; }
