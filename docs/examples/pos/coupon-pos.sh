#!/bin/sh
# One signed request, with curl and openssl.
#
#   COUPON_POS_KEY=pos_….… ./coupon-pos.sh POST https://coupon.example/api/v1/quotes '{"…": …}'
#
# COUPON_POS_CREATED and COUPON_POS_NONCE fix the time and the nonce, and COUPON_POS_DRY prints the
# headers instead of sending: that is how the test vectors are checked.
set -eu

method=$1 url=$2 body=${3:-}
key_id=${COUPON_POS_KEY%%.*} secret=${COUPON_POS_KEY#*.}
created=${COUPON_POS_CREATED:-$(date +%s)}
nonce=${COUPON_POS_NONCE:-$(openssl rand -hex 16)}

rest=/${url#*://*/}
path=${rest%%\?*}
case $rest in *\?*) query="?${rest#*\?}" ;; *) query='?' ;; esac

listed='"@method" "@path" "@query"'
base="\"@method\": $method
\"@path\": $path
\"@query\": $query"
digest=
if [ -n "$body" ]; then
  digest="sha-256=:$(printf %s "$body" | openssl dgst -sha256 -binary | openssl base64 -A):"
  listed="$listed \"content-digest\""
  base="$base
\"content-digest\": $digest"
fi
parameters="($listed);created=$created;keyid=\"$key_id\";nonce=\"$nonce\";alg=\"hmac-sha256\""
base="$base
\"@signature-params\": $parameters"
mac=$(printf %s "$base" | openssl dgst -sha256 -hmac "$secret" -binary | openssl base64 -A)

set -- --header "Signature-Input: pos=$parameters" --header "Signature: pos=:$mac:"
if [ -n "$body" ]; then
  set -- "$@" --header "Content-Digest: $digest" --header 'Content-Type: application/json' --data-binary "$body"
fi
if [ -n "${COUPON_POS_DRY:-}" ]; then
  printf '%s\n' "$@"
  exit
fi
exec curl --silent --show-error --max-time 5 --request "$method" "$@" "$url"
