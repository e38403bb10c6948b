"""What officials decide about releases, on the wire. Amounts in fen, times aware."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from admin.release_queries import ReleaseFacts
from coupon_service.campaigns.conditions import ConditionsOfUse
from coupon_service.campaigns.draft import Draft
from coupon_service.campaigns.eligibility import Eligibility
from coupon_service.campaigns.models import SEATS_MAX, Campaign, Channel, Mode, Release
from coupon_service.campaigns.plan_rounds import ROUNDS_MAX, RoundsPlan
from coupon_service.campaigns.recycle import Breakage
from coupon_service.campaigns.release import Group
from coupon_service.core.schemas import Body, Fen, Name, View
from coupon_service.issuance.codes.make_code import NewCode
from coupon_service.issuance.codes.models import USES_MAX, ClaimCode
from redemption.awards.queries import RuleFacts
from redemption.awards.rule import NewRule

Quantity = Annotated[int, Field(strict=True, ge=1, le=SEATS_MAX)]


class ReleasePath(BaseModel):
    release_id: UUID


class CampaignPath(BaseModel):
    campaign_id: UUID


class CodePath(BaseModel):
    code_id: UUID


class RulePath(BaseModel):
    rule_id: UUID


class WindowBody(Body):
    """A window of time, from its first moment to the first one that is no longer in it."""

    opens_at: AwareDatetime
    closes_at: AwareDatetime

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.opens_at >= self.closes_at:
            raise ValueError("opens_at must come before closes_at")
        return self


class QuantityBody(Body):
    quantity: Quantity
    expected: Quantity = Field(description="The quantity you saw; another one now is a 409")


class DraftBody(WindowBody):
    name: Name
    mode: Mode
    waiting_room: bool = False

    def draft(self) -> Draft:
        return Draft(self.name, self.mode, self.waiting_room, self.opens_at, self.closes_at)


class EligibilityBody(Eligibility):
    """Who may claim: the conditions that must all hold."""


class ConditionsBody(ConditionsOfUse):
    """When, for which goods and with which others vouchers are used; replaces all of it."""


class GroupBody(Body):
    name: Name
    seats: Quantity
    eligibility: Eligibility
    opens_to_all_at: AwareDatetime | None = None


class GroupsBody(Body):
    """The groups that have seats of their own, in this order; none: all seats are everybody's."""

    groups: list[GroupBody] = Field(max_length=20)

    def as_groups(self) -> list[Group]:
        return [
            Group(one.name, one.eligibility, one.seats, one.opens_to_all_at) for one in self.groups
        ]


class RoundsBody(Body):
    """A series of rounds. `step_days` 7 is the same weekday each week."""

    first_id: UUID | None = Field(default=None, description="Id of the first round to be")
    first_opens_at: AwareDatetime
    count: int = Field(ge=1, le=ROUNDS_MAX)
    quantity: Quantity
    step_days: int = Field(default=7, ge=1, le=92)
    open_h: int | None = Field(default=None, ge=1, le=2_208, description="None: until the next")
    mode: Mode = Mode.FIRST_COME
    waiting_room: bool = False
    flows: bool = Field(default=True, description="What is left goes on to the next round")
    publish: bool = Field(default=False, description="Reserve the money and publish at once")

    @model_validator(mode="after")
    def _ends_before_the_next(self) -> Self:
        if self.open_h is not None and self.open_h > self.step_days * 24:
            raise ValueError("a round must close before the next one opens")
        return self

    def plan(self) -> RoundsPlan:
        return RoundsPlan(**self.model_dump(exclude={"publish"}))


class RecycleBody(WindowBody):
    release_id: UUID | None = Field(default=None, description="Id of the release to be")
    name: Name
    quantity: Quantity | None = Field(default=None, description="None: all the node would pay for")


class CodeBody(Body):
    label: Name
    channel: Literal[Channel.ONLINE, Channel.ONSITE] = Channel.ONLINE
    uses_max: int = Field(ge=1, le=USES_MAX)
    valid_from: AwareDatetime
    valid_until: AwareDatetime

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_from >= self.valid_until:
            raise ValueError("valid_from must come before valid_until")
        return self

    def new(self) -> NewCode:
        return NewCode(**self.model_dump())


class RuleBody(Body):
    source_campaign_id: UUID | None = Field(default=None, description="None: any of the season")
    min_order_fen: Fen = 0
    per_person: int = Field(default=1, ge=1, le=100)

    def new(self) -> NewRule:
        return NewRule(self.source_campaign_id, self.min_order_fen, self.per_person)


class OfficeReleaseView(View):
    """A release with how far it has got. `claimed` counts void vouchers' seats too."""

    release_id: UUID
    number: int
    name: str
    campaign_id: UUID
    campaign: str
    node: str
    mode: str
    state: str
    face_fen: int
    quantity: int
    claimed: int
    opens_at: datetime
    closes_at: datetime
    flows_into_id: UUID | None

    @classmethod
    def of(cls, release: Release, claimed: int) -> Self:
        return cls(**_facts(release, claimed))


class ReleaseDetail(OfficeReleaseView):
    """One release in full: what became of its coupons, who waits, who may claim, and what for."""

    unused: int
    redeemed: int
    void: int
    expired: int
    waiting: int
    eligibility: dict[str, Any]
    conditions: ConditionsOfUse

    @classmethod
    def in_full(cls, facts: ReleaseFacts) -> Self:
        return cls(
            **_facts(facts.release, facts.claimed),
            unused=facts.unused,
            redeemed=facts.redeemed,
            void=facts.void,
            expired=facts.expired,
            waiting=facts.waiting,
            eligibility=facts.release.campaign.eligibility,
            conditions=ConditionsOfUse.of(facts.release.campaign),
        )


class OfficeReleaseList(View):
    releases: list[OfficeReleaseView]


class BreakageView(View):
    """What a campaign's coupons left unspent, and what its node could pay for now."""

    expired: int
    void: int
    unclaimed: int
    free_fen: int
    affordable: int
    suggested: int

    @classmethod
    def of(cls, found: Breakage) -> Self:
        return cls(**vars(found), suggested=found.suggested)


class ClaimCodeView(View):
    """A claim code, without the code: that is shown once, when it is made."""

    code_id: UUID
    label: str
    channel: str
    uses: int
    uses_max: int
    valid_from: datetime
    valid_until: datetime

    @classmethod
    def of(cls, code: ClaimCode) -> Self:
        return cls(
            code_id=code.id,
            label=code.label,
            channel=code.channel,
            uses=code.uses,
            uses_max=code.uses_max,
            valid_from=code.valid_from,
            valid_until=code.valid_until,
        )


class ClaimCodeList(View):
    codes: list[ClaimCodeView]


class MadeCodeView(View):
    """A new claim code, in clear for the only time, and the address that opens it."""

    code_id: UUID
    code: str
    address: str


class RuleView(View):
    rule_id: UUID
    source_campaign_id: UUID | None
    source: str | None
    min_order_fen: int
    per_person: int
    active: bool
    given: int
    withdrawn: int

    @classmethod
    def of(cls, facts: RuleFacts) -> Self:
        rule = facts.rule
        return cls(
            rule_id=rule.id,
            source_campaign_id=rule.source_campaign_id,
            source=facts.source,
            min_order_fen=rule.min_order_fen,
            per_person=rule.per_person,
            active=rule.active,
            given=facts.given,
            withdrawn=facts.withdrawn,
        )


class RuleList(View):
    rules: list[RuleView]


def _facts(release: Release, claimed: int) -> dict[str, Any]:
    campaign: Campaign = release.campaign
    return {
        "release_id": release.id,
        "number": release.number,
        "name": release.name,
        "campaign_id": campaign.id,
        "campaign": campaign.name,
        "node": campaign.node.name,
        "mode": release.mode,
        "state": release.state,
        "face_fen": campaign.face_fen,
        "quantity": release.quantity,
        "claimed": claimed,
        "opens_at": release.opens_at,
        "closes_at": release.closes_at,
        "flows_into_id": release.flows_into_id,
    }
