"""What makes the pages an application: a manifest, and a service worker that keeps the wallet.

Flight mode, a cellar, a crowded market: vouchers are shown where networks end. The worker keeps the
wallet and the vouchers of whoever is signed in, and nobody else's: pages that it may keep say whose
they are, and what was kept goes when somebody else's come or the resident signs out.
"""

import hmac
from hashlib import sha256
from http import HTTPStatus

from flask import Blueprint, Response, current_app, g, jsonify, render_template, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from coupon_service.core.auth import Kind, Principal, require
from coupon_service.core.display import asset, page_lang
from coupon_service.core.personal import derive_key
from coupon_service.core.resources import resources
from coupon_service.mobile import wallet

OWNER_HEADER = "Wallet-Of"
_EXTENSION = "mobile.wallet_of_key"
ICON_SIZES = (192, 512)
_ASSETS = (
    ("core", "tokens.css"),
    ("core", "components.css"),
    ("core", "icon.svg"),
    ("core", "icons.svg"),
    ("core", "vendor/lean-qr/index.mjs"),
    ("mobile", "mobile.css"),
    ("mobile", "voucher.css"),
    ("mobile", "voucher.js"),
    ("mobile", "offline.js"),
)
# Loaded by other modules, so their addresses carry no hash.
_MODULES = ("voucher-challenge.js", "voucher-phone.js", "voucher-proof.js")

bp = Blueprint("mobile_offline", __name__)


@bp.get("/service-worker.js")
@require(Kind.ANYONE)
def service_worker() -> Response:
    """The worker, at the root so that it serves all residents' pages. New assets, new worker."""
    shell = [asset(blueprint, name) for blueprint, name in _ASSETS]
    shell += [url_for("mobile.static", filename=name) for name in _MODULES]
    shell.append(url_for("mobile_offline.offline"))
    hashes = [asset("mobile", name) for name in _MODULES]
    source = render_template(
        "mobile/service-worker.js",
        shell=[Markup(address) for address in shell],  # noqa: S704  # addresses of our own files
        version=sha256("|".join([*shell, *hashes, page_lang()]).encode()).hexdigest()[:12],
        owner_header=OWNER_HEADER,
    )
    response = Response(source, mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response


@bp.get("/manifest.webmanifest")
@require(Kind.ANYONE)
def manifest() -> Response:
    """What a phone needs to put the service on its home screen."""
    name = _("惠民消费券")
    icons = [
        {
            "src": asset("mobile", f"icons/{purpose}-{size}.png"),
            "sizes": f"{size}x{size}",
            "type": "image/png",
            "purpose": purpose,
        }
        for purpose in ("any", "maskable")
        for size in ICON_SIZES
    ]
    document = {
        "id": "/",
        "name": name,
        "short_name": _("消费券"),
        "lang": page_lang(),
        "start_url": "/wallet",
        "scope": "/",
        "display": "standalone",
        "background_color": "#f3f1ee",
        "theme_color": "#a8231c",
        "icons": icons,
    }
    response = jsonify(document)
    response.mimetype = "application/manifest+json"
    response.headers["Cache-Control"] = "no-cache"
    return response


@bp.get("/offline")
@require(Kind.ANYONE)
def offline() -> str:
    """What is shown in place of a page that cannot be had without a network."""
    return render_template("mobile/offline.html")


@wallet.bp.after_request
def _say_whose(response: Response) -> Response:
    """Pages of the wallet say whose they are, in a way that says nothing to anybody else."""
    owner: Principal | None = g.get("principal")
    if owner is not None and response.status_code == HTTPStatus.OK:
        response.headers[OWNER_HEADER] = hmac.digest(_owner_key(), owner.id.bytes, sha256).hex()[
            :16
        ]
    return response


def _owner_key() -> bytes:
    found: bytes | None = current_app.extensions.get(_EXTENSION)
    if found is None:
        secret = resources().settings.secret_key.get_secret_value()
        found = current_app.extensions[_EXTENSION] = derive_key(secret, "wallet-of/1")
    return found
