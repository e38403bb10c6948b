// A client for point-of-sale systems. .NET 6 or newer, nothing else.
// Check it against signature-vectors.json before you rely on it: see docs/pos.md.

using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

/// <summary>One till. `key` is what the merchant's page showed: `pos_&lt;id&gt;.&lt;secret&gt;`.</summary>
public sealed class CouponPos
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);
    // The pauses between attempts whose outcome is not known.
    private static readonly int[] PausesMs = { 500, 1_000, 2_000 };
    // Statuses that say "perhaps it was done": ask again under the same number.
    private static readonly int[] Unknown = { 502, 503, 504 };
    private const long WebhookToleranceS = 300;

    private readonly HttpClient client = new() { Timeout = Timeout };
    private readonly string keyId;
    private readonly byte[] secret;

    public CouponPos(string key)
    {
        var parts = key.Split('.', 2);
        keyId = parts[0];
        secret = Encoding.UTF8.GetBytes(parts[1]);
    }

    /// <summary>Ask, and ask again if no answer came. Orders and refunds have numbers, so that the
    /// effect is had once. Each attempt is signed anew: a nonce counts once.</summary>
    public async Task<HttpResponseMessage> Ask(HttpMethod method, Uri url, string body = "")
    {
        foreach (var pause in PausesMs)
        {
            try
            {
                var answer = await Send(method, url, body);
                if (!Unknown.Contains((int)answer.StatusCode)) return answer;
            }
            catch (Exception lost) when (lost is HttpRequestException or TaskCanceledException)
            {
                // Whether it was done is not known: the next attempt will tell.
            }
            await Task.Delay(pause);
        }
        return await Send(method, url, body);
    }

    private Task<HttpResponseMessage> Send(HttpMethod method, Uri url, string body)
    {
        var raw = Encoding.UTF8.GetBytes(body);
        var request = new HttpRequestMessage(method, url);
        if (raw.Length > 0)
        {
            request.Content = new ByteArrayContent(raw);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }
        var nonce = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
        var created = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        foreach (var (name, value) in Sign(method.Method, url, raw, created, nonce))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }
        return client.SendAsync(request);
    }

    /// <summary>The headers of a signed request: RFC 9421 with hmac-sha256, and RFC 9530.</summary>
    public Dictionary<string, string> Sign(
        string method, Uri url, byte[] body, long created, string nonce)
    {
        var values = new List<(string Name, string Value)>
        {
            ("@method", method),
            ("@path", url.AbsolutePath),
            ("@query", url.Query == "" ? "?" : url.Query),
        };
        var headers = new Dictionary<string, string>();
        if (body.Length > 0)
        {
            var digest = $"sha-256=:{Convert.ToBase64String(SHA256.HashData(body))}:";
            values.Add(("content-digest", digest));
            headers["Content-Digest"] = digest;
        }
        var listed = string.Join(' ', values.Select(one => $"\"{one.Name}\""));
        var parameters = $"({listed});created={created};keyid=\"{keyId}\";nonce=\"{nonce}\";alg=\"hmac-sha256\"";
        var lines = values.Select(one => $"\"{one.Name}\": {one.Value}").Append($"\"@signature-params\": {parameters}");
        headers["Signature-Input"] = $"pos={parameters}";
        headers["Signature"] = $"pos=:{Hmac(secret, Encoding.UTF8.GetBytes(string.Join('\n', lines)))}:";
        return headers;
    }

    /// <summary>Whether the service sent this webhook just now. `body` is the raw bytes.</summary>
    public static bool IsGenuineWebhook(IEnumerable<string> secrets, string id, string timestamp, string signatures, byte[] body, long nowS)
    {
        if (!Regex.IsMatch(timestamp, "^[0-9]{1,11}$")) return false;
        if (Math.Abs(nowS - long.Parse(timestamp)) > WebhookToleranceS) return false;
        var signed = Encoding.UTF8.GetBytes($"{id}.{timestamp}.").Concat(body).ToArray();
        var genuine = false;
        foreach (var one in secrets)
        {
            var key = Convert.FromBase64String(one["whsec_".Length..]);
            var expected = Encoding.UTF8.GetBytes($"v1,{Hmac(key, signed)}");
            foreach (var given in signatures.Split(' '))
            {
                genuine |= CryptographicOperations.FixedTimeEquals(expected, Encoding.UTF8.GetBytes(given));
            }
        }
        return genuine;
    }

    private static string Hmac(byte[] key, byte[] message) => Convert.ToBase64String(HMACSHA256.HashData(key, message));
}
