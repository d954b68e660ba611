# shellcheck shell=bash
# Sourced: a fresh Debian in a folder of its own, made by debootstrap, and commands in it. Needs root.
#
#   fresh_system_complaint                   what is missing to make one; nothing when all is there
#   fresh_system_make debian:13 ROOT BASE    a bare one in ROOT, a copy of that in BASE, which is made when it is not there
#   fresh_system_take_sources ROOT           this checkout, as it is, to ROOT/srv/glocal; a build/ in it stays
#   fresh_system_run ROOT CCACHE COMMAND...  in its /srv/glocal; CCACHE: a folder of this machine that is its /ccache, or ""

fresh_system_complaint() {
  [ "$(id -u)" = 0 ] || { echo "not root"; return; }
  command -v debootstrap >/dev/null || { echo "debootstrap is missing (apt-get install debootstrap)"; return; }
  unshare --mount --pid --fork true 2>/dev/null || echo "this system allows no mounts"
}

# The mirror that this machine uses itself, else Debian's.
# shellcheck disable=SC2016  # apt-get expands it
fresh_system_mirror() {
  local mirror
  mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    sed -n 's/^Debian //p' | grep -v -- -security | head -n 1 || true)
  echo "${mirror:-http://deb.debian.org/debian}"
}

fresh_system_suite() {
  case $1 in
    debian:12) echo bookworm ;;
    debian:13) echo trixie ;;
    *) echo "fresh_system: which suite is $1? Say so in soak/fresh_system.sh" >&2 && return 2 ;;
  esac
}

# In a name space of its own: its mounts and its processes end with it, however it ends.
fresh_system_apart() {
  unshare --mount --pid --fork --kill-child "$@"
}

# With this machine's way to the network.
fresh_system_make() {
  local suite root=$2 base=$3
  suite=$(fresh_system_suite "$1") || return
  if [ ! -d "$base" ]; then
    fresh_system_apart debootstrap --variant=minbase --include=ca-certificates "$suite" "$base" \
      "$(fresh_system_mirror)" >"$base.log" 2>&1 || { tail -n 5 "$base.log"; rm -rf --one-file-system "$base"; return 1; }
  fi
  cp -a "$base" "$root" && cp -L /etc/resolv.conf /etc/hosts "$root/etc/" || return 1
  apt-config dump Acquire | grep -iE '^Acquire::(https?|check-|retries)' >"$root/etc/apt/apt.conf.d/99host" || true
  cp -a /etc/apt/auth.conf.d "$root/etc/apt/" 2>/dev/null || true
  cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
  chroot "$root" update-ca-certificates >/dev/null 2>&1
  mkdir -p "$root/srv/glocal" "$root/ccache"
}

fresh_system_take_sources() {
  find "$1/srv/glocal" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} + &&
    git ls-files -z | tar --null --files-from=- --create | tar --extract --directory "$1/srv/glocal"
}

# With nothing of this machine's environment but its ways out, and what chooses instruction sets.
# shellcheck disable=SC2016  # the name space's own shell expands it
fresh_system_run() {
  local root=$1 ccache=$2 handed=() name
  shift 2
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY OPENBLAS_CORETYPE GLOCAL_ISA \
    ONEDNN_MAX_CPU_ISA; do
    [ -z "${!name:-}" ] || handed+=("$name=${!name}")
  done
  fresh_system_apart bash -c 'root=$1; ccache=$2; shift 2
    mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" && mount -t tmpfs tmp "$root/tmp" &&
      { [ -z "$ccache" ] || mount --bind "$ccache" "$root/ccache"; } && exec chroot "$root" "$@"' \
    - "$root" "$ccache" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    CCACHE_DIR=/ccache "${handed[@]}" sh -c 'cd /srv/glocal && exec "$@"' - "$@"
}
