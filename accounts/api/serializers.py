"""What the API takes and answers about accounts."""

from __future__ import annotations

from rest_framework import serializers

from accounts import policies
from accounts.models import Token
from accounts.roles import Role, Scope

SCOPES = [scope.value for scope in Scope]
ROLES = [role.value for role in Role]


class TokenSerializer(serializers.ModelSerializer):
    """A token; its secret is not here, since only the hash of it is kept."""

    scopes = serializers.ListField(child=serializers.ChoiceField(SCOPES))

    class Meta:
        model = Token
        fields = ["id", "name", "prefix", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at"]
        read_only_fields = fields


class NewTokenSerializer(TokenSerializer):
    """A token that was just made, with its secret for the only time."""

    secret = serializers.CharField()

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "secret"]
        read_only_fields = fields


class TokenInputSerializer(serializers.Serializer):
    """A token to make."""

    name = serializers.CharField(max_length=policies.LONGEST_TOKEN_NAME)
    scopes = serializers.ListField(child=serializers.CharField(), default=[Scope.READ.value], max_length=20)
    expires_days = serializers.IntegerField(default=90, min_value=-1_000_000, max_value=1_000_000)


class HeldRolesSerializer(serializers.Serializer):
    """The roles that somebody holds in one organization."""

    organization = serializers.CharField()
    title = serializers.CharField()
    roles = serializers.ListField(child=serializers.ChoiceField(ROLES))


class WhoAmISerializer(serializers.Serializer):
    """Whoever asks, and the token by which they do."""

    id = serializers.IntegerField()
    username = serializers.CharField()
    full_name = serializers.CharField()
    is_service = serializers.BooleanField()
    organizations = HeldRolesSerializer(many=True)
    token = TokenSerializer(allow_null=True)
