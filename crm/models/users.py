from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

from config.kernel import clock
from config.kernel.audit import AuditedSecret, audited
from config.kernel.ids import UUIDv7Field
from crm.choices import Role


class UserManager(BaseUserManager["User"]):
    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make a user who signs in with ``email``, kept in lower case.

        :raises ValueError: without an e-mail address.
        """
        if not email:
            raise ValueError("A user signs in with an e-mail address: give one.")
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """Someone who works here. What they may do comes from the groups ``admin`` and ``bdr``."""

    id = UUIDv7Field()
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    time_zone = models.CharField(
        max_length=64, default="America/New_York", help_text="IANA name; times are shown in it."
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May sign in to the back office.")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        ordering = ["name", "id"]
        permissions = [("see_everything", "Sees every contact and project, whoever owns it")]
        constraints = [models.UniqueConstraint(Lower("email"), name="crm_user_email_any_case")]
        triggers = [*audited(silent=["password", "last_login"]), AuditedSecret(column="password")]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0]

    @property
    def sees_everything(self) -> bool:
        return self.is_active and (self.is_superuser or self.has_perm("crm.see_everything"))

    @property
    def shape(self) -> tuple[bool, bool]:
        """What of a user, besides who it is, decides which rows are theirs to see."""
        return self.is_active, self.sees_everything

    @property
    def is_admin(self) -> bool:
        return self.is_active and (self.is_superuser or self.groups.filter(name=Role.ADMIN).exists())
