"""Whether what an anchor awards comes out of its provider's own budget node."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from redemption.ar.errors import ArOutsideBudgetError

_FACE_WITHIN = text(
    """
    WITH RECURSIVE above (id) AS (
        SELECT campaign.node_id FROM releases release
        JOIN campaigns campaign ON campaign.id = release.campaign_id
        WHERE release.id = :release_id
        UNION ALL
        SELECT node.parent_id FROM above
        JOIN budget_nodes node ON node.id = above.id
        WHERE node.parent_id IS NOT NULL
    )
    SELECT campaign.face_fen FROM releases release
    JOIN campaigns campaign ON campaign.id = release.campaign_id
    WHERE release.id = :release_id AND :node_id IN (SELECT id FROM above)
    """
)


def award_face_fen(session: Session, release_id: UUID, node_id: UUID | None) -> int:
    """The face of the release's vouchers, in fen, if their money is that node's or of one below.

    Raises:
        ArOutsideBudgetError: it is somebody else's money.
    """
    face_fen = session.execute(
        _FACE_WITHIN, {"release_id": release_id, "node_id": node_id}
    ).scalar_one_or_none()
    if face_fen is None:
        raise ArOutsideBudgetError
    return int(face_fen)
