"""What makes the till an application: a manifest, and a worker that opens it without a network.

The worker keeps the till's files and its counter as it was last drawn. What it cannot do is decide:
a code is judged by the service, or by whatever `modules/decide.js` asks.
"""

from hashlib import sha256
from pathlib import Path

from flask import Blueprint, Response, jsonify, render_template, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from coupon_service.core.auth import Kind, require
from coupon_service.core.display import asset, page_lang

bp = Blueprint("redemption_installed", __name__, url_prefix="/till")

ICON_SIZES = (192, 512)
_ASSETS = (
    ("core", "tokens.css"),
    ("core", "components.css"),
    ("core", "data.css"),
    ("core", "icon.svg"),
    ("core", "icons.svg"),
    ("core", "once.js"),
    ("core", "vendor/zxing-wasm/es/reader/index.js"),
    ("core", "vendor/zxing-wasm/reader/zxing_reader.wasm"),
    ("redemption", "till.css"),
    ("redemption", "counter.css"),
    ("redemption", "answer.css"),
    ("redemption", "counter.js"),
    ("redemption", "installed.js"),
)
_STATIC = Path(__file__).with_name("static")
# Loaded by other modules, so their addresses carry no hash.
_MODULES = (
    ("core", "vendor/zxing-wasm/es/share.js"),
    *(("redemption", f"modules/{path.name}") for path in sorted(_STATIC.glob("modules/*.js"))),
    *(("redemption", f"offline/{path.name}") for path in sorted(_STATIC.glob("offline/*.js"))),
)


@bp.get("/service-worker.js")
@require(Kind.ANYONE)
def service_worker() -> Response:
    """The worker of the till's pages. New files, new worker."""
    modules = [url_for(f"{package}.static", filename=name) for package, name in _MODULES]
    shell = [
        *(asset(package, name) for package, name in _ASSETS),
        *modules,
        url_for("redemption_installed.away"),
    ]
    hashes = [asset(package, name) for package, name in _MODULES]
    source = render_template(
        "redemption/service-worker.js",
        shell=[Markup(address) for address in shell],  # noqa: S704  # addresses of our own files
        version=sha256("|".join([*shell, *hashes, page_lang()]).encode()).hexdigest()[:12],
    )
    response = Response(source, mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response


@bp.get("/manifest.webmanifest")
@require(Kind.ANYONE)
def manifest() -> Response:
    """What a phone or a tablet needs to put the till on its home screen."""
    document = {
        "id": "/till/",
        "name": _("收银台"),
        "short_name": _("收银台"),
        "lang": page_lang(),
        "start_url": url_for("redemption.show_counter"),
        "scope": "/till/",
        "display": "standalone",
        "background_color": "#f3f1ee",
        "theme_color": "#a8231c",
        "icons": [
            {
                "src": asset("redemption", f"icons/{purpose}-{size}.png"),
                "sizes": f"{size}x{size}",
                "type": "image/png",
                "purpose": purpose,
            }
            for purpose in ("any", "maskable")
            for size in ICON_SIZES
        ],
    }
    response = jsonify(document)
    response.mimetype = "application/manifest+json"
    response.headers["Cache-Control"] = "no-cache"
    return response


@bp.get("/away")
@require(Kind.ANYONE)
def away() -> str:
    """What is shown in place of a page of the till that cannot be had without a network."""
    return render_template("redemption/away.html")
