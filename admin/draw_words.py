"""What the pages of lotteries call things, in Chinese; templates translate them."""

from collections.abc import Mapping

# State of a draw: word and tone.
STATES: Mapping[str, tuple[str, str]] = {
    "unannounced": ("未公告", "warn"),
    "collecting": ("报名中", "good"),
    "closed": ("已封签，等随机数", "info"),
    "late": ("封签过晚，须重新公告", "bad"),
    "drawn": ("已抽签，发放中", "info"),
    "published": ("已公布", "good"),
}

# Why an announcement was refused.
FAULTS: Mapping[str, str] = {
    "not-a-lottery": "这个批次不是抽签方式。",
    "release-over": "这个批次已经结束。",
    "has-quotas": "这个批次给部分人群留了券，不能抽签。",
    "not-online": "这个活动不在线上发放，无法报名。",
    "window-empty": "报名截止时间须晚于现在和批次开始时间。",
    "seed-too-soon": "随机数的产生时间须在报名截止 5 分钟以后。",
    "grant-too-late": "随机数产生后到批次结束至少要留 1 小时发放。",
    "announced": "抽签公告已经发布，不能更改。",
}

# Why a step failed and is being tried again.
TROUBLES: Mapping[str, str] = {
    "SeedUnavailableError": "暂时取不到公告的随机数，系统每分钟重试一次。",
    "ReleasePausedError": "批次已暂停，恢复投放后会继续发放。",
    "ReleaseClosedError": "批次已结束，中签的券发不出去，请联系系统管理员。",
    "SoldOutError": "批次的券数比公告的少，请先恢复券数。",
}
OTHER_TROUBLE = "这一步没有完成，系统每分钟重试一次。"

GAMES: Mapping[str, str] = {"kl8": "福利彩票快乐8", "ssq": "福利彩票双色球"}
