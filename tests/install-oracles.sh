#!/bin/bash
# Sets up the judges that the differential tests ask: procmail and formail,
# Pigeonhole's sievec and sieve-test, Cyrus's sievec, and the mailers Postfix and
# Exim. Debian; needs root for what is not there yet, and does nothing where all
# is there.
set -euo pipefail

cyrus="${SIEVIFY_CYRUS:-/opt/sievify-oracles/cyrus}"
mailers="${SIEVIFY_MAILERS:-/opt/sievify-oracles/mailers}"

missing=()
command -v procmail >/dev/null && command -v formail >/dev/null || missing+=(procmail)
command -v sievec >/dev/null && command -v sieve-test >/dev/null || missing+=(dovecot-sieve)
for program in unshare:util-linux chroot:coreutils ldd:libc-bin ip:iproute2; do
    command -v "${program%%:*}" >/dev/null || missing+=("${program##*:}")
done

cyrus_works() {
    [ -x "$cyrus/usr/lib/cyrus/bin/sievec" ] &&
        ! LD_LIBRARY_PATH="$cyrus/libraries" ldd "$cyrus/usr/lib/cyrus/bin/sievec" | grep -q 'not found'
}

mailers_work() {
    [ -x "$mailers/usr/sbin/exim4" ] && [ -x "$mailers/usr/sbin/postfix" ] &&
        [ -x "$mailers/usr/bin/dash" ] && [ -e "$mailers/complete" ]
}

if [ ${#missing[@]} -eq 0 ] && cyrus_works && mailers_work; then
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

# Two mailers cannot be installed on one machine, and neither should take the
# machine's mail: both are unpacked into a root of their own, with the libraries
# they need and a shell.
if ! mailers_work; then
    work=$(mktemp -d)
    mkdir -p "$mailers/usr/bin" "$mailers/usr/lib64" "$mailers/etc"
    for name in bin sbin lib lib64; do
        ln -sfn "usr/$name" "$mailers/$name"
    done
    (
        cd "$work"
        apt-get download -qq postfix exim4-daemon-light libidn12 libicu72 libsasl2-2 libdb5.3 \
            libnsl2 libgnutls-dane0 libgnutls30 libunbound8 libevent-2.1-7 libpcre2-8-0 dash
        for package in *.deb; do
            mkdir unpacked
            dpkg -x "$package" unpacked
            for name in bin sbin lib; do
                for from in "unpacked/usr/$name" "unpacked/$name"; do
                    if [ -d "$from" ]; then
                        mkdir -p "$mailers/usr/$name"
                        cp -a --remove-destination "$from/." "$mailers/usr/$name/"
                    fi
                done
            done
            rm -r unpacked
        done
    )
    rm -rf "$work"
    ln -sf dash "$mailers/usr/bin/sh"
    cp "$(type -P cat)" "$(type -P true)" "$mailers/usr/bin/"
    find "$mailers" -type f -perm /6000 -exec chmod ug-s {} +
    paths="$mailers/usr/lib/postfix:$mailers/usr/lib/x86_64-linux-gnu"
    # What is no program, ldd complains about.
    { find "$mailers/usr/bin" "$mailers/usr/sbin" "$mailers/usr/lib/postfix" -type f -exec \
        env LD_LIBRARY_PATH="$paths" ldd {} + 2>/dev/null || true; } |
        grep -o '/[^ ]*\.so[^ ]*' | grep -vF "$mailers" | sort -u | while read -r library; do
        mkdir -p "$mailers$(dirname "$library")"
        cp -L "$library" "$mailers$library"
    done
    touch "$mailers/complete"
fi
mailers_work || { echo "the mailers were not unpacked" >&2; exit 1; }
