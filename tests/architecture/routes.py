"""The rows of the authorization matrix, one per route."""

from dataclasses import dataclass, field

from coupon_service.core.auth import Kind

ANYONE = {Kind.ANYONE}
RESIDENT = {Kind.RESIDENT}
TILL = {Kind.TILL}
OWNER = {Kind.MERCHANT_OWNER}
OFFICIAL = {Kind.OFFICIAL}
READERS = {Kind.OFFICIAL, Kind.AUDITOR, Kind.ADMINISTRATOR}
REASON = {"reason": "核实完毕"}
EVENT: dict[str, object] = {}


@dataclass(frozen=True)
class Row:
    """Who may use a route.

    Attributes:
        kinds: whom it lets in; everybody if it contains `ANYONE`.
        owned: whether its path names an object that belongs to somebody.
        body: JSON, or the text of a CSV file, where the route takes any.
        path: arguments that replace those of the object.
        form: fields of a form that pass validation, for pages; none: `body` is sent.
        query: a query string that names an owned object, with `{season_id}` and the like.
    """

    kinds: set[Kind]
    owned: bool = False
    body: object = field(default_factory=dict)
    form: dict[str, str] | None = None
    path: dict[str, str] = field(default_factory=dict)
    query: str = ""


ROUTES: dict[str, Row] = {
    "ops.healthz": Row(ANYONE),
    "ops.readyz": Row(ANYONE),
    "ops.metrics": Row({Kind.MONITOR}),
    "core.switch_language": Row(ANYONE),
    "core.list_errors": Row(ANYONE),
    "campaigns_api.list_releases": Row(ANYONE),
    "campaigns_api.show_release": Row(ANYONE),
    "merchants_api.show_stores": Row(ANYONE),
    "vouchers_api.list_keys": Row(ANYONE),
    "residents_api.create_code": Row(ANYONE),
    "residents_api.create_sign_in": Row(ANYONE),
    "residents_api.create_sign_out": Row(RESIDENT),
    "residents_api.show_me": Row(RESIDENT),
    "residents_api.create_real_name": Row(RESIDENT),
    "issuance_api.create_claim": Row(RESIDENT),
    "vouchers_api.list_vouchers": Row(RESIDENT),
    "vouchers_api.show_voucher": Row(RESIDENT, owned=True),
    "vouchers_api.draw_svg": Row(RESIDENT, owned=True),
    "vouchers_api.draw_png": Row(RESIDENT, owned=True),
    "ar.list_anchors": Row(ANYONE),
    "ar.start_session": Row(RESIDENT),
    "ar.show_session": Row(RESIDENT, owned=True),
    "ar.receive_event": Row({Kind.AR_PROVIDER}, owned=True, body=EVENT),
    "redemption_api.create_quote": Row(TILL),
    "redemption_api.create_redemption": Row(TILL),
    "redemption_api.show_redemption": Row(TILL, owned=True),
    # Somebody else's order number is a number of one's own that has not arrived: a tombstone.
    "redemption_api.reverse_redemption": Row(TILL, path={"order_no": "unheard-of"}),
    "redemption.show_sign_in": Row(ANYONE),
    "redemption.do_sign_in": Row(ANYONE),
    "redemption.do_sign_out": Row(TILL),
    "redemption.show_counter": Row(TILL),
    "redemption.do_quote": Row(TILL),
    "redemption.do_redeem": Row(TILL),
    "redemption.show_order": Row(TILL, owned=True),
    "redemption.do_reverse": Row(TILL, form={}, path={"order_no": "unheard-of"}),
    "redemption.show_today": Row(TILL),
    "merchants.show_sign_in": Row(ANYONE),
    "merchants.do_sign_in": Row(ANYONE),
    "merchants.do_sign_out": Row(OWNER),
    "merchants.show_statement": Row(OWNER),
    "office_api.create_session": Row(ANYONE),
    "office_api.delete_session": Row(READERS),
    "office_api.list_seasons": Row(READERS),
    "office_api.show_totals": Row(READERS, owned=True, query="?season_id={season_id}"),
    "office_api.list_cases": Row(READERS),
    "office_api.show_case": Row(READERS, owned=True),
    "office_api.release_case": Row(OFFICIAL, owned=True, body=REASON),
    "office_api.confirm_case": Row(OFFICIAL, owned=True, body=REASON),
    "office_api.prolong_case": Row(OFFICIAL, owned=True, body=REASON),
    "office_api.list_releases": Row(READERS),
    "office_api.pause_release": Row(OFFICIAL, owned=True),
    "office_api.resume_release": Row(OFFICIAL, owned=True),
    "settlement_api.request_settlement": Row(OFFICIAL),
    "settlement_api.show_run": Row(READERS, owned=True),
    "settlement_api.show_settlements": Row(READERS),
    "settlement_api.show_settlement": Row(READERS, owned=True),
    "settlement_api.download_payout_file": Row({Kind.OFFICIAL, Kind.AUDITOR}, owned=True),
    "settlement_api.take_bank_answer": Row(OFFICIAL, owned=True, body="not, an, answer\n"),
    "office_api.list_entries": Row(READERS),
    "office_check_api.check_invariants": Row(READERS),
    "admin.show_sign_in": Row(ANYONE),
    "admin.submit_sign_in": Row(ANYONE, form={}),
    "admin.sign_out": Row(READERS),
    "admin.overview": Row(READERS),
    "admin.export_totals": Row(READERS),
    "admin.audit_log": Row(READERS),
    "admin.list_cases": Row(READERS),
    "admin.show_case": Row(READERS, owned=True),
    "admin.decide_case": Row(OFFICIAL, owned=True, form={"act": "prolong", **REASON}),
    "admin.list_releases": Row(READERS),
    "admin.change_release": Row(OFFICIAL, owned=True, form={"act": "pause"}),
    "admin.list_settlements": Row(READERS),
    "admin.request_settlement": Row(OFFICIAL, form={}),
    "admin.show_settlement": Row(READERS, owned=True),
    "admin.download_payouts": Row({Kind.OFFICIAL, Kind.AUDITOR}, owned=True),
    "admin.take_bank_answer": Row(OFFICIAL, owned=True, form={}),
    "mobile.home": Row(ANYONE),
    "mobile.campaign": Row(ANYONE),
    "mobile.claim": Row(RESIDENT, form={}),
    "mobile_account.sign_in": Row(ANYONE),
    "mobile_account.ask_code": Row(ANYONE, form={}),
    "mobile_account.enter_code": Row(ANYONE, form={}),
    "mobile_account.sign_out": Row(RESIDENT, form={}),
    "mobile_account.me": Row(RESIDENT),
    "mobile_account.real_name": Row(RESIDENT),
    "mobile_account.enter_real_name": Row(RESIDENT, form={}),
    "mobile_wallet.wallet": Row(RESIDENT),
    "mobile_wallet.voucher": Row(RESIDENT, owned=True),
}
