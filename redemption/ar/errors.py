"""What the AR hook refuses, and why."""

from http import HTTPStatus

from coupon_service.core.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    NotSignedInError,
    UnsupportedMediaTypeError,
)


class ArProviderUnknownError(NotFoundError):
    slug = "ar-provider-unknown"
    title = "There is no such AR provider"


class ArAnchorUnknownError(NotFoundError):
    slug = "ar-anchor-unknown"
    title = "There is no such anchor"
    sentence = "没有找到这个AR点位。"


class ArSessionUnknownError(NotFoundError):
    """Also the answer about a session that belongs to someone else."""

    slug = "ar-session-unknown"
    title = "There is no such AR session"
    sentence = "没有找到这次AR体验。"


class ArIntentMismatchError(InvalidRequestError):
    slug = "ar-intent-mismatch"
    title = "A redeem anchor wants voucher_id and order_fen, an award anchor neither"
    sentence = "请选择要使用的消费券并确认订单金额。"


class ArSignatureInvalidError(NotSignedInError):
    """An unknown or inactive provider looks the same: who guesses learns nothing."""

    slug = "ar-signature-invalid"
    title = "The webhook headers or their signature are not valid"


class ArTimestampOutsideWindowError(NotSignedInError):
    """Told only to whoever signed rightly: their clock is wrong, or the delivery is old."""

    slug = "ar-timestamp-outside-window"
    title = "webhook-timestamp is too far from the service's clock"


class ArMediaTypeError(UnsupportedMediaTypeError):
    slug = "ar-media-type"
    title = "Send application/cloudevents+json"


class WebhookIdReusedError(ConflictError):
    slug = "webhook-id-reused"
    title = "This webhook-id was used with another body"


class ArProofRefusedError(ConflictError):
    """Base of what is wrong with a proof rather than with its sender. 409 on purpose: to Standard
    Webhooks, 410 would mean that the whole endpoint is gone.
    """

    slug = "ar-proof-refused"
    title = "The proof does not hold"
    status = HTTPStatus.CONFLICT


class ArProofMismatchError(ArProofRefusedError):
    slug = "ar-proof-mismatch"
    title = "Nonce, anchor or order amount are not those of the session"


class ArSessionUsedError(ArProofRefusedError):
    slug = "ar-session-used"
    title = "The session has been used"
    sentence = "这次AR体验已经完成。"


class ArSessionExpiredError(ArProofRefusedError):
    slug = "ar-session-expired"
    title = "The session has expired"
    sentence = "这次AR体验已超时，请重新开始。"


class ArOutsideFenceError(ArProofRefusedError):
    slug = "ar-outside-fence"
    title = "The place is outside the anchor's fence"
    sentence = "您不在活动点位附近。"


class ArConfidenceTooLowError(ArProofRefusedError):
    slug = "ar-confidence-too-low"
    title = "The confidence is below the anchor's floor"
    sentence = "未能识别现场画面，请再试一次。"


class ArAnchorClosedError(ArProofRefusedError):
    """Out of the anchor's hours, or of its days. Also the answer to whoever would begin there."""

    slug = "ar-anchor-closed"
    title = "The anchor is not open now"
    sentence = "这个点位现在不开放，请在开放时间再来。"


class ArOverCapError(ArProofRefusedError):
    """Tomorrow there is room again. Who is at fault is not the resident's matter."""

    slug = "ar-over-cap"
    title = "The provider has brought as much as it may on one day"
    sentence = "这里今天的名额已经用完，请明天再来。"


class ArOutsideBudgetError(ArProofRefusedError):
    slug = "ar-outside-budget"
    title = "The anchor's release does not draw on the provider's own budget node"
    sentence = "这个点位暂时不能发券。"


class ArSceneOffError(NotFoundError):
    slug = "ar-scene-off"
    title = "There is no such scene, or scenes are switched off"
    sentence = "没有找到这个实景，或者它已经结束。"


class ArPlaceNeededError(InvalidRequestError):
    slug = "ar-place-needed"
    title = "The scene needs to know where the phone is"
    sentence = "请允许使用位置，实景要确认您在现场。"


class ArNodeTakenError(ConflictError):
    slug = "ar-node-taken"
    title = "The budget node is not the provider's own: another one has it, or part of it"


class ArStoreNotVirtualError(ConflictError):
    slug = "ar-store-not-virtual"
    title = "A redeem anchor's store must be a virtual one of the provider's district"
