"""Checks of a season's AR rows: what anchors bring, out of whose budget, and what scenes show."""

from collections.abc import Iterator

from coupon_service.campaigns.models import Channel
from coupon_service.simulation.season.ar_rows import AnchorRow, GoodRow, ProviderRow, SceneRow
from coupon_service.simulation.season.faults import Fault, shown
from coupon_service.simulation.season.rows import (
    BoardRow,
    CampaignRow,
    EventRow,
    ReleaseRow,
    SeriesRow,
    StoreChannel,
    StoreRow,
)
from coupon_service.simulation.season.tables import Draft
from redemption.ar.models import ArOutcome


def check_anchors(draft: Draft) -> Iterator[Fault]:
    """An anchor that awards names a release given by AR; one that redeems names a virtual store."""
    campaigns = {campaign.row.code: campaign.row for campaign in draft.rows(CampaignRow)}
    releases = {release.row.code: release.row for release in draft.rows(ReleaseRow)}
    stores = {store.row.code: store.row for store in draft.rows(StoreRow)}
    for anchor in draft.rows(AnchorRow):
        row = anchor.row
        is_award = row.outcome is ArOutcome.AWARD
        if (row.release is not None) != is_award or (row.store is not None) == is_award:
            yield anchor.fault(
                "an award anchor names a `release` only, a redeem anchor a `store` only.", "outcome"
            )
        release = releases.get(row.release or "")
        campaign = campaigns.get(release.campaign) if release else None
        if campaign is not None and Channel.AR not in campaign.claim_channels:
            yield anchor.fault("the campaign of that release is not claimed by ar.", "release")
        store = stores.get(row.store or "")
        if store is not None and store.channel is not StoreChannel.VIRTUAL:
            yield anchor.fault("the store of a redeem anchor must be virtual.", "store")


def check_own_budgets(draft: Draft) -> Iterator[Fault]:
    """A provider's node is nobody else's, and its award anchors draw on it or on nodes below."""
    if not draft.unread.isdisjoint((BoardRow, SeriesRow, EventRow)):
        return
    parents = _parents(draft)
    taken: dict[str, ProviderRow] = {}
    for provider in draft.rows(ProviderRow):
        node = provider.row.node
        if node is None:
            continue
        if node not in parents:
            yield provider.fault(f"`node` names no budget node: {shown(node)}.", "node")
        for other, owner in taken.items():
            if other in _line(parents, node) or node in _line(parents, other):
                yield provider.fault(f"`node` shares the budget of {shown(owner.code)}.", "node")
        taken[node] = provider.row
    providers = {provider.row.code: provider.row for provider in draft.rows(ProviderRow)}
    events = {campaign.row.code: campaign.row.event for campaign in draft.rows(CampaignRow)}
    campaigns = {release.row.code: release.row.campaign for release in draft.rows(ReleaseRow)}
    for anchor in draft.rows(AnchorRow):
        owner_row = providers.get(anchor.row.provider)
        event = events.get(campaigns.get(anchor.row.release or "", ""))
        if owner_row is not None and event and owner_row.node not in _line(parents, event):
            yield anchor.fault(
                "the release draws on a budget node that is not its provider's.", "release"
            )


def check_scenes(draft: Draft) -> Iterator[Fault]:
    """A scene is at an award anchor of a provider that is built in, its shop at a redeem anchor."""
    providers = {provider.row.code: provider.row for provider in draft.rows(ProviderRow)}
    anchors = {anchor.row.code: anchor.row for anchor in draft.rows(AnchorRow)}
    stocked = {good.row.anchor for good in draft.rows(GoodRow)}
    for scene in draft.rows(SceneRow):
        anchor = anchors.get(scene.row.anchor)
        shop = anchors.get(scene.row.shop or "")
        if anchor is None:
            continue
        provider = providers.get(anchor.provider)
        if anchor.outcome is not ArOutcome.AWARD or not (provider and provider.built_in):
            yield scene.fault(
                "a scene is at an award anchor of a provider that is built in.", "anchor"
            )
        if shop is None:
            continue
        if shop.outcome is not ArOutcome.REDEEM or shop.provider != anchor.provider:
            yield scene.fault("the shop is a redeem anchor of the scene's provider.", "shop")
        if shop.code not in stocked:
            yield scene.fault("the shop has no goods.", "shop")


def _parents(draft: Draft) -> dict[str, str | None]:
    """Every budget node's parent, by code."""
    parents: dict[str, str | None] = {board.row.code: None for board in draft.rows(BoardRow)}
    parents.update({one.row.code: one.row.board for one in draft.rows(SeriesRow)})
    parents.update({event.row.code: event.row.series for event in draft.rows(EventRow)})
    return parents


def _line(parents: dict[str, str | None], node: str) -> list[str]:
    """The node and those above it."""
    line: list[str] = []
    step: str | None = node
    while step is not None and step not in line:
        line.append(step)
        step = parents.get(step)
    return line
