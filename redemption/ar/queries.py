"""Shared reads of the AR hook."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload

from redemption.ar.errors import ArAnchorUnknownError, ArSceneOffError, ArSessionUnknownError
from redemption.ar.models import ArAnchor, ArGood, ArProvider, ArRefusal, ArScene, ArSession
from redemption.models import Redemption


def anchors(session: Session, *, after: str | None, limit: int) -> Sequence[ArAnchor]:
    """Anchors of active providers in the order of their codes, those after `after`.

    Those whose days are over are left out.
    """
    lasting = or_(ArAnchor.ends_at.is_(None), ArAnchor.ends_at > func.now())
    wanted = _live_anchors().where(lasting).order_by(ArAnchor.code).limit(limit)
    if after is not None:
        wanted = wanted.where(ArAnchor.code > after)
    return session.scalars(wanted).all()


def anchor_or_404(session: Session, anchor_id: UUID) -> ArAnchor:
    """An anchor of an active provider.

    Raises:
        ArAnchorUnknownError
    """
    anchor = session.scalars(
        _live_anchors().where(ArAnchor.id == anchor_id).options(contains_eager(ArAnchor.provider))
    ).one_or_none()
    if anchor is None:
        raise ArAnchorUnknownError
    return anchor


def session_with_provider(session: Session, session_id: UUID) -> ArSession | None:
    """A session with its anchor and the anchor's provider."""
    return session.scalars(
        select(ArSession)
        .where(ArSession.id == session_id)
        .options(joinedload(ArSession.anchor).joinedload(ArAnchor.provider))
    ).one_or_none()


@dataclass(frozen=True)
class OwnSession:
    """A resident's session with its anchor.

    Attributes:
        discount_fen: what its redemption took off.
        refusal: the slug of what its latest proof was refused for.
    """

    session: ArSession
    discount_fen: int | None
    refusal: str | None


def own_session(session: Session, resident_id: UUID, session_id: UUID) -> OwnSession:
    """One of a resident's sessions.

    Raises:
        ArSessionUnknownError: none, or somebody else's.
    """
    row = session.execute(
        select(ArSession, Redemption.discount_fen, ArRefusal.slug)
        .outerjoin(Redemption, Redemption.id == ArSession.redemption_id)
        .outerjoin(ArRefusal, ArRefusal.session_id == ArSession.id)
        .where(ArSession.id == session_id, ArSession.resident_id == resident_id)
        .options(joinedload(ArSession.anchor))
    ).one_or_none()
    if row is None:
        raise ArSessionUnknownError
    return OwnSession(*row)


@dataclass(frozen=True)
class Scene:
    """A scene's award anchor, and the redeem anchor of the shop behind its door with its goods."""

    anchor: ArAnchor
    shop: ArAnchor | None
    goods: Sequence[ArGood]


def scene_or_404(session: Session, anchor_code: str) -> Scene:
    """The scene at the anchor with that code, if the service plays its provider itself.

    Raises:
        ArSceneOffError
    """
    shop = aliased(ArAnchor)
    found = session.execute(
        select(ArAnchor, shop)
        .join(ArScene, ArScene.anchor_id == ArAnchor.id)
        .join(ArProvider, ArProvider.id == ArAnchor.provider_id)
        .outerjoin(shop, and_(shop.id == ArScene.shop_anchor_id, shop.provider_id == ArProvider.id))
        .where(ArAnchor.code == anchor_code, ArProvider.is_active, ArProvider.is_built_in)
        .options(joinedload(ArAnchor.provider))
    ).one_or_none()
    if found is None:
        raise ArSceneOffError
    anchor: ArAnchor = found[0]
    shop_anchor: ArAnchor | None = found[1]
    goods = (
        session.scalars(
            select(ArGood).where(ArGood.anchor_id == shop_anchor.id).order_by(ArGood.position)
        ).all()
        if shop_anchor is not None
        else ()
    )
    return Scene(anchor, shop_anchor, goods)


def scenes(session: Session) -> Sequence[ArAnchor]:
    """The award anchors that have a scene of the service's own, by name."""
    lasting = or_(ArAnchor.ends_at.is_(None), ArAnchor.ends_at > func.now())
    return session.scalars(
        _live_anchors()
        .join(ArScene, ArScene.anchor_id == ArAnchor.id)
        .where(ArProvider.is_built_in, lasting)
        .order_by(ArAnchor.name)
    ).all()


def scene_code_at(session: Session, anchor_id: UUID) -> str | None:
    """The code of a scene that the anchor belongs to: its own, or the one whose shop it is."""
    return session.scalars(
        select(ArAnchor.code)
        .join(ArScene, ArScene.anchor_id == ArAnchor.id)
        .where(or_(ArScene.anchor_id == anchor_id, ArScene.shop_anchor_id == anchor_id))
        .order_by(ArAnchor.code)
        .limit(1)
    ).one_or_none()


def _live_anchors() -> Select[ArAnchor]:
    return (
        select(ArAnchor)
        .join(ArProvider, ArProvider.id == ArAnchor.provider_id)
        .where(ArProvider.is_active)
    )
