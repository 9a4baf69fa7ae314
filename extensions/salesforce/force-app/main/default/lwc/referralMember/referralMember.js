import { LightningElement, api } from 'lwc';
import SHARE_LINK from '@salesforce/label/c.Referral_Share_Link';
import COPY_LINK from '@salesforce/label/c.Referral_Copy_Link';
import COPY_CODE from '@salesforce/label/c.Referral_Copy_Code';
import COPIED_LINK from '@salesforce/label/c.Referral_Copied_Link';
import COPIED_CODE from '@salesforce/label/c.Referral_Copied_Code';
import COPY_FAILED from '@salesforce/label/c.Referral_Copy_Failed';
import STAT_REFERRALS from '@salesforce/label/c.Referral_Stat_Referrals';
import STAT_WON from '@salesforce/label/c.Referral_Stat_Won';
import STAT_TIER from '@salesforce/label/c.Referral_Stat_Tier';
import STAT_ISSUED from '@salesforce/label/c.Referral_Stat_Issued';
import STAT_APPROVED from '@salesforce/label/c.Referral_Stat_Approved';
import STAT_HELD from '@salesforce/label/c.Referral_Stat_Held';
import STAT_REVERSED from '@salesforce/label/c.Referral_Stat_Reversed';

/** A member's figures, and the link and the code to hand out. */
export default class ReferralMember extends LightningElement {
    @api member;

    labels = { SHARE_LINK, COPY_LINK };

    get stats() {
        const { referrals, wonReferrals, tier, issued, approved, held, reversed } = this.member;
        return [
            { label: STAT_REFERRALS, value: referrals ?? 0 },
            { label: STAT_WON, value: wonReferrals ?? 0 },
            { label: STAT_TIER, value: tier },
            { label: STAT_ISSUED, value: issued },
            { label: STAT_APPROVED, value: approved },
            { label: STAT_HELD, value: held },
            { label: STAT_REVERSED, value: reversed }
        ].filter(({ value }) => value !== undefined && value !== null && value !== '');
    }

    get copyCodeLabel() {
        return `${COPY_CODE} ${this.member.code}`;
    }

    handleCopyLink() {
        return this.copy(this.member.shareLink, COPIED_LINK);
    }

    handleCopyCode() {
        return this.copy(this.member.code, COPIED_CODE);
    }

    async copy(text, said) {
        let message = said;
        try {
            await navigator.clipboard.writeText(text);
        } catch {
            // Some browsers refuse: the rep still gets the text to copy by hand.
            message = `${COPY_FAILED} ${text}`;
        }
        this.dispatchEvent(new CustomEvent('notice', { detail: { message } }));
    }
}
