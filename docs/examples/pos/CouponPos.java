// A client for point-of-sale systems. Java 17 or newer, nothing else:
//
//   COUPON_POS_KEY=pos_….… java CouponPos.java POST https://coupon.example/api/v1/quotes '{"…": …}'

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public final class CouponPos {
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    // The pauses between attempts whose outcome is not known.
    private static final long[] PAUSES_MS = {500, 1_000, 2_000};
    // Statuses that say "perhaps it was done": ask again under the same number.
    private static final List<Integer> UNKNOWN = List.of(502, 503, 504);
    private static final long WEBHOOK_TOLERANCE_S = 300;

    private final HttpClient client = HttpClient.newBuilder().connectTimeout(TIMEOUT).build();
    private final String keyId;
    private final byte[] secret;

    /** `key` is what the merchant's page showed: `pos_<id>.<secret>`. */
    public CouponPos(String key) {
        int stop = key.indexOf('.');
        keyId = key.substring(0, stop);
        secret = key.substring(stop + 1).getBytes(StandardCharsets.UTF_8);
    }

    /**
     * Ask, and ask again if no answer came. Orders and refunds have numbers, so that the effect is
     * had once. Each attempt is signed anew: a nonce counts once.
     */
    public HttpResponse<String> ask(String method, URI url, String body) throws Exception {
        for (long pause : PAUSES_MS) {
            try {
                HttpResponse<String> answer = send(method, url, body);
                if (!UNKNOWN.contains(answer.statusCode())) return answer;
            } catch (java.io.IOException lost) {
                // Whether it was done is not known: the next attempt will tell.
            }
            Thread.sleep(pause);
        }
        return send(method, url, body);
    }

    private HttpResponse<String> send(String method, URI url, String body) throws Exception {
        byte[] raw = body.getBytes(StandardCharsets.UTF_8);
        HttpRequest.Builder request = HttpRequest.newBuilder(url).timeout(TIMEOUT)
            .method(method, HttpRequest.BodyPublishers.ofByteArray(raw));
        sign(method, url, raw, Instant.now().getEpochSecond(), newNonce()).forEach(request::header);
        if (raw.length > 0) request.header("Content-Type", "application/json");
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    /** The headers of a signed request: RFC 9421 with hmac-sha256, and RFC 9530 for the body. */
    public Map<String, String> sign(String method, URI url, byte[] body, long created, String nonce)
            throws GeneralSecurityException {
        Map<String, String> values = new LinkedHashMap<>();
        values.put("@method", method);
        values.put("@path", url.getRawPath());
        values.put("@query", "?" + (url.getRawQuery() == null ? "" : url.getRawQuery()));
        Map<String, String> headers = new LinkedHashMap<>();
        if (body.length > 0) {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(body);
            String digest = "sha-256=:" + Base64.getEncoder().encodeToString(hash) + ":";
            values.put("content-digest", digest);
            headers.put("Content-Digest", digest);
        }
        List<String> names = new ArrayList<>();
        StringBuilder base = new StringBuilder();
        values.forEach((name, value) -> {
            names.add('"' + name + '"');
            base.append('"').append(name).append("\": ").append(value).append('\n');
        });
        String parameters = "(" + String.join(" ", names) + ");created=" + created
            + ";keyid=\"" + keyId + "\";nonce=\"" + nonce + "\";alg=\"hmac-sha256\"";
        base.append("\"@signature-params\": ").append(parameters);
        headers.put("Signature-Input", "pos=" + parameters);
        headers.put("Signature", "pos=:" + hmac(secret, base.toString().getBytes(StandardCharsets.UTF_8)) + ":");
        return headers;
    }

    /** Whether the service sent this webhook just now. `body` is the raw bytes. */
    public static boolean isGenuineWebhook(List<String> secrets, String id, String timestamp,
            String signatures, byte[] body, long nowS) throws GeneralSecurityException {
        if (!timestamp.matches("[0-9]{1,11}")) return false;
        if (Math.abs(nowS - Long.parseLong(timestamp)) > WEBHOOK_TOLERANCE_S) return false;
        byte[] head = (id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8);
        byte[] signed = java.util.Arrays.copyOf(head, head.length + body.length);
        System.arraycopy(body, 0, signed, head.length, body.length);
        boolean genuine = false;
        for (String one : secrets) {
            byte[] key = Base64.getDecoder().decode(one.substring("whsec_".length()));
            byte[] expected = ("v1," + hmac(key, signed)).getBytes(StandardCharsets.UTF_8);
            for (String given : signatures.split(" ")) {
                genuine |= MessageDigest.isEqual(expected, given.getBytes(StandardCharsets.UTF_8));
            }
        }
        return genuine;
    }

    private static String hmac(byte[] key, byte[] message) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return Base64.getEncoder().encodeToString(mac.doFinal(message));
    }

    private static String newNonce() {
        byte[] random = new byte[18];
        new SecureRandom().nextBytes(random);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(random);
    }

    public static void main(String[] args) throws Exception {
        CouponPos pos = new CouponPos(System.getenv("COUPON_POS_KEY"));
        HttpResponse<String> answer = pos.ask(args[0], URI.create(args[1]), args.length > 2 ? args[2] : "");
        System.out.println(answer.statusCode() + " " + answer.body());
    }
}
