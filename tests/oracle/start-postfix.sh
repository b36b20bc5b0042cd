#!/bin/bash
# Starts Postfix in ROOT, which holds etc/passwd, etc/group (with the users root,
# postfix and nobody, and the group postdrop), etc/aliases and the homes. Needs root in namespaces of its own (mount, net). It listens to
# nobody, and mail to other hosts is thrown away; what became of each message
# stands in ROOT/var/log/mail.
#
#     tests/oracle/start-postfix.sh ROOT
set -euo pipefail

root="$1"
mailers="${SIEVIFY_MAILERS:-/opt/sievify-oracles/mailers}"

mkdir -p "$root"/{usr,etc/postfix,dev,tmp,var/{log,mail,lib/postfix,spool/postfix}}
for name in bin sbin lib lib64; do
    ln -sfn "usr/$name" "$root/$name"
done
mount --bind "$mailers/usr" "$root/usr"
mount -o remount,bind,ro "$root/usr"
for device in null urandom; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
chmod 1777 "$root/tmp" "$root/var/mail"
: >"$root/var/log/mail"

cat >"$root/etc/nsswitch.conf" <<'END'
passwd: files
group: files
END
cat >"$root/etc/postfix/main.cf" <<'END'
compatibility_level = 3.6
maillog_file = /var/log/mail
maillog_file_prefixes = /var
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.org
mydomain = example.org
myorigin = example.org
mydestination = example.org, mail.example.org, localhost
default_transport = discard
relay_transport = discard
relayhost =
mynetworks = 127.0.0.0/8
smtp_dns_support_level = disabled
alias_maps = hash:/etc/aliases
alias_database =
allow_mail_to_commands = alias, forward, include
allow_mail_to_files = alias, forward, include
home_mailbox =
mail_spool_directory = /var/mail
mailbox_command =
recipient_delimiter = +
biff = no
local_destination_concurrency_limit = 10
qmgr_message_recipient_limit = 20000
END
cat >"$root/etc/postfix/master.cf" <<'END'
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n -  0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n -  - trivial-rewrite
bounce    unix  - - n -  0 bounce
defer     unix  - - n -  0 bounce
trace     unix  - - n -  0 bounce
proxymap  unix  - - n -  - proxymap
error     unix  - - n -  - error
retry     unix  - - n -  - error
discard   unix  - - n -  - discard
local     unix  - n n -  - local
postlog   unix-dgram n - n - 1 postlogd
END
for directory in active bounce corrupt defer deferred flush hold incoming private saved trace; do
    mkdir -p "$root/var/spool/postfix/$directory"
done
mkdir -p "$root"/var/spool/postfix/{maildrop,public,pid}
owner=$(sed -n 's/^postfix:[^:]*:\([0-9]*\):.*/\1/p' "$root/etc/passwd")
dropper=$(sed -n 's/^postdrop:[^:]*:\([0-9]*\):.*/\1/p' "$root/etc/group")
chown "$owner" "$root/var/lib/postfix" "$root"/var/spool/postfix/*
chown 0 "$root/var/spool/postfix/pid"
chgrp "$dropper" "$root"/var/spool/postfix/{maildrop,public}
chmod 700 "$root"/var/spool/postfix/{active,bounce,corrupt,defer,deferred,flush,hold,incoming,private,saved,trace}
chmod 1730 "$root/var/spool/postfix/maildrop"
chmod 2710 "$root/var/spool/postfix/public"

ip link set lo up
chroot "$root" /usr/sbin/postalias hash:/etc/aliases
exec chroot "$root" /usr/lib/postfix/sbin/master -c /etc/postfix -w
