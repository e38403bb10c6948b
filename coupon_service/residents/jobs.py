"""Background work of the residents package."""

from datetime import timedelta

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now, local_date
from coupon_service.residents.household import ADULT_AGE
from coupon_service.residents.invite import end_overdue
from coupon_service.residents.models import SignInCode

CODES_KEPT = timedelta(days=1)  # longer than any throttle looks back

# The table of seasons belongs to a package above; their dates are all that is needed of it here.
_FORGET = text(
    """
    UPDATE residents SET id_number_index = NULL
    WHERE erased_at IS NOT NULL AND id_number_index IS NOT NULL
      AND NOT EXISTS (SELECT FROM seasons
                      WHERE starts_at <= residents.erased_at AND ends_at > :now)
    """
)


def forget_codes(session: Session) -> None:
    """Delete the sign-in codes nobody counts any more, and end overdue invitations."""
    now = db_now(session)
    session.execute(delete(SignInCode).where(SignInCode.created_at < now - CODES_KEPT))
    end_overdue(session, now)


def forget_erased(session: Session) -> None:
    """Drop the last trace of erased residents once no season that knew them is running."""
    session.execute(_FORGET, {"now": db_now(session)})


def end_guardianships(session: Session) -> None:
    """Withdraw the guardians of those who have come of age."""
    session.execute(
        text(
            """
            UPDATE proxies SET state = 'withdrawn', withdrawn_at = :now
            FROM residents principal
            WHERE principal.id = proxies.principal_id AND proxies.relation = 'guardian'
              AND proxies.withdrawn_at IS NULL
              AND principal.born_on <= CAST(:today AS date) - make_interval(years => :adult)
            """
        ),
        {"now": db_now(session), "today": local_date(db_now(session)), "adult": ADULT_AGE},
    )
