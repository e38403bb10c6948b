"""What the office's pages call things, in Chinese; templates translate them."""

from collections.abc import Mapping

ROLES: Mapping[str, str] = {"official": "经办", "auditor": "审计", "administrator": "管理员"}

CHANNELS: Mapping[str, str] = {
    "online": "线上",
    "onsite": "到店",
    "ar": "AR 实景",
    "virtual": "虚拟门店",
}

LEVELS: Mapping[str, str] = {"board": "板块", "series": "系列", "event": "场次"}

MONEY: Mapping[str, str] = {
    "paid": "已支付",
    "in_flight": "支付中",
    "payable": "待结算",
    "held": "已冻结",
    "reserved": "已预留",
    "left": "结余",
    "reversed": "已冲正",
}

# State of a case: word and tone.
CASE_STATES: Mapping[str, tuple[str, str]] = {
    "open": ("待核查", "warn"),
    "released": ("已解除", "good"),
    "confirmed": ("已认定违规", "bad"),
    "lapsed": ("逾期自动解除", "info"),
}

RULES: Mapping[str, str] = {
    "device-shared": "多人共用手机",
    "amount-at-threshold": "金额紧贴门槛",
    "burst-at-till": "短时密集核销",
    "claim-to-use-too-quick": "领取即核销",
    "closed-hours": "非营业时段交易",
    "vouchers-cycled": "一人连续用券",
}

# Filled with the evidence of the finding.
EVIDENCE: Mapping[str, str] = {
    "device-shared": "一天内，同一手机领的券由 %(residents)s 位居民在本商户使用，共 %(orders)s 单",
    "amount-at-threshold": "最近 %(orders)s 单中有 %(orders_at_threshold)s 单恰好达到用券门槛",
    "burst-at-till": "同一收银台 %(window_s)s 秒内核销 %(orders)s 单",
    "claim-to-use-too-quick": "近期 %(orders)s 单在领取后立即核销，最快 %(quickest_s)s 秒",
    "closed-hours": "核销时间距营业时段 %(minutes_outside)s 分钟",
    "vouchers-cycled": "同一居民一天内在本商户用券 %(vouchers)s 张",
}

BATCH_STATES: Mapping[str, tuple[str, str]] = {
    "instructed": ("待银行回执", "warn"),
    "settled": ("已完成", "good"),
}

PAYOUT_STATES: Mapping[str, tuple[str, str]] = {
    "instructed": ("待回执", "warn"),
    "paid": ("已支付", "good"),
    "rejected": ("银行退回", "bad"),
    "netted": ("全额抵扣", "info"),
}

ACTIONS: Mapping[str, str] = {
    "case.release": "解除冻结",
    "case.confirm": "认定违规",
    "case.prolong": "延长核查",
    "case.lapse": "逾期自动解除冻结",
    "release.pause": "暂停投放",
    "release.resume": "恢复投放",
    "release.publish": "发布批次",
    "release.close": "结束投放",
    "release.resize": "修改投放数量",
    "release.edit": "修改草稿",
    "release.discard": "删除草稿",
    "release.groups": "设置专属名额",
    "release.plan": "安排轮次",
    "release.recycle": "回收再投放",
    "campaign.eligibility": "修改领取条件",
    "campaign.conditions": "修改使用条件",
    "code.make": "生成领券码",
    "code.stop": "停用领券码",
    "award.rule": "新增送券规则",
    "award.end": "停用送券规则",
    "totals.export": "导出数据",
    "settlement.request": "发起结算",
    "settlement.download": "下载付款文件",
    "settlement.answer": "导入银行回执",
    "list.upload": "上传名单",
    "list.discard": "作废名单",
    "grant.start": "开始按名单发放",
    "grant.retry": "重新发放",
    "counter.visit": "窗口核验证件",
    "counter.claim": "窗口代领",
    "counter.carer": "窗口确认家人代办",
    "paper.print": "打印纸质券",
    "draw.announce": "发布抽签公告",
    "draw.type": "录入开奖号码",
    "draw.confirm": "确认开奖号码",
    "draw.discard": "撤回开奖号码",
    "draw.retry": "重试抽签步骤",
    "draw.close": "封签",
    "draw.late": "封签过晚",
    "draw.draw": "抽签",
    "draw.publish": "公布抽签结果",
}
