"""A season's totals as a CSV file for spreadsheets, with the name of who took it.

What is shown is what the overview shows: small counts are hidden here too. Amounts in yuan.
"""

import csv
from io import StringIO

from admin.figures import shown_days, shown_flow, shown_nodes
from admin.models import Official
from admin.suppression import HIDDEN, SUPPRESSED_BELOW
from admin.totals import SeasonTotals
from admin.words import CHANNELS, LEVELS
from coupon_service.core.clock import LOCAL_ZONE
from coupon_service.core.csv_cells import BOM, safe_cell
from coupon_service.core.money import FEN_PER_YUAN

_MONEY_COLUMNS = {
    "已分配": "allocated_fen",
    "结余": "left_fen",
    "已预留": "reserved_fen",
    "待结算": "payable_fen",
    "冻结": "held_fen",
    "支付中": "in_flight_fen",
    "已支付": "paid_fen",
}
_USE_COLUMNS = ("已领取（张）", "已核销（张）", "核销率（按张数）", "核销率（按金额）")


def totals_csv(totals: SeasonTotals, officer: Official) -> bytes:
    """The file's bytes: UTF-8 with a byte order mark, lines end in CR LF."""
    out = StringIO(newline="")
    out.write(BOM)
    writer = csv.writer(out, lineterminator="\r\n")
    tally = totals.tally
    as_of = totals.as_of.astimezone(LOCAL_ZONE).strftime("%Y-%m-%d %H:%M:%S")
    writer.writerows(
        [
            ["消费季", safe_cell(totals.season)],
            ["数据时间（北京）", as_of],
            ["导出人", safe_cell(f"{officer.name}（{officer.username}）")],
            ["说明", "金额单位：元；核销率分母为已领取的券"],
            [HIDDEN, f"少于{SUPPRESSED_BELOW}，或可推算出此类计数，不显示"],
            [],
            ["财政资金", _yuan(totals.appropriated_fen)],
            ["未下达", _yuan(totals.treasury_fen)],
            ["待商户退回", _yuan(totals.owed_back_fen)],
            ["已领取（张）", tally.issued_count],
            ["已领取面额", _yuan(tally.issued_fen)],
            ["已核销（张）", tally.redeemed_count],
            ["已核销优惠", _yuan(tally.redeemed_fen)],
            ["核销率（按张数）", _percent(tally.rate_by_count_bp)],
            ["核销率（按金额）", _percent(tally.rate_by_value_bp)],
            ["撬动比（总，不含冲正与已认定的违规交易）", _ratio(tally.leverage_bp)],
            [],
            ["级别", "编号", "名称", *_MONEY_COLUMNS, *_USE_COLUMNS],
        ]
    )
    for node in shown_nodes(totals):
        writer.writerow(
            [LEVELS[node.level], safe_cell(node.code), safe_cell(node.name)]
            + [_yuan(getattr(node.tally, column)) for column in _MONEY_COLUMNS.values()]
            + [_count(node.issued_count), _count(node.redeemed_count)]
            + [_percent(node.rate_by_count_bp), _percent(node.rate_by_value_bp)]
        )
    writer.writerows([[], ["日期", "领取（张）", "核销（张）", "核销优惠", "带动消费"]])
    for day in shown_days(totals):
        writer.writerow(
            [day.day.isoformat(), _count(day.issued_count), _count(day.redeemed_count)]
            + ["" if fen is None else _yuan(fen) for fen in (day.redeemed_fen, day.turnover_fen)]
        )
    writer.writerows([[], ["领取渠道", "核销渠道", "核销（张）"]])
    for flow in shown_flow(totals):
        writer.writerow([CHANNELS[flow.claimed], CHANNELS[flow.redeemed], _count(flow.count)])
    return out.getvalue().encode()


def _yuan(amount_fen: int) -> str:
    """`-123450` → `-1234.50`; a number, so that spreadsheets can add it up."""
    sign = "-" if amount_fen < 0 else ""
    yuan, fen = divmod(abs(amount_fen), FEN_PER_YUAN)
    return f"{sign}{yuan}.{fen:02d}"


def _count(count: int | None) -> int | str:
    return HIDDEN if count is None else count


def _percent(rate_bp: int | None) -> str:
    return "" if rate_bp is None else f"{rate_bp // 100}.{rate_bp % 100:02d}%"


def _ratio(rate_bp: int | None) -> str:
    return "" if rate_bp is None else f"{rate_bp // 10_000}.{rate_bp % 10_000 // 100:02d}"
