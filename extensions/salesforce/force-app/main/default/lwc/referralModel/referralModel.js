import ROLE_MEMBER from '@salesforce/label/c.Referral_Role_Member';
import ROLE_FRIEND from '@salesforce/label/c.Referral_Role_Friend';
import ROLE_BOTH from '@salesforce/label/c.Referral_Role_Both';
import ROLE_NONE from '@salesforce/label/c.Referral_Role_None';
import REFERRED_BY from '@salesforce/label/c.Referral_Sentence_Referred_By';
import MADE from '@salesforce/label/c.Referral_Sentence_Made';
import MADE_NONE from '@salesforce/label/c.Referral_Sentence_Made_None';
import OF_OPPORTUNITY from '@salesforce/label/c.Referral_Sentence_Opportunity';
import OF_ACCOUNT from '@salesforce/label/c.Referral_Sentence_Account';
import FRIEND_ONE from '@salesforce/label/c.Referral_Friend_One';
import FRIEND_MANY from '@salesforce/label/c.Referral_Friend_Many';
import REFERRAL_ONE from '@salesforce/label/c.Referral_Referral_One';
import REFERRAL_MANY from '@salesforce/label/c.Referral_Referral_Many';
import DIRECTION_MADE from '@salesforce/label/c.Referral_Direction_Made';
import DIRECTION_RECEIVED from '@salesforce/label/c.Referral_Direction_Received';
import DIRECTION_BETWEEN from '@salesforce/label/c.Referral_Direction_Between';
import SINCE from '@salesforce/label/c.Referral_Since';
import VIA from '@salesforce/label/c.Referral_Via';
import FOR_ASSIST from '@salesforce/label/c.Referral_Reward_For_Assist';
import FOR_MEMBER from '@salesforce/label/c.Referral_Reward_For_Member';
import FOR_FRIEND from '@salesforce/label/c.Referral_Reward_For_Friend';
import NO_AMOUNT from '@salesforce/label/c.Referral_Reward_No_Amount';
import OPPORTUNITY_AT from '@salesforce/label/c.Referral_Opportunity_At';
import RELEASE from '@salesforce/label/c.Referral_Release';
import PAID_ON from '@salesforce/label/c.Referral_Paid_On';
import DECIDED_ON from '@salesforce/label/c.Referral_Decided_On';
import STAGE_NOW from '@salesforce/label/c.Referral_Stage_Now';
import STAGE_DONE from '@salesforce/label/c.Referral_Stage_Done';
import ASKED from '@salesforce/label/c.Referral_Action_Asked';
import LAST_REWARD from '@salesforce/label/c.Referral_Last_Reward';
import LAST_REWARD_PLAIN from '@salesforce/label/c.Referral_Last_Reward_Plain';
import { day, fill, money } from 'c/referralFormat';
import {
    actionWord,
    sourceWord,
    stageLook,
    stageWord,
    STAGE_PATH,
    stateLook,
    stateWord,
    statusIcon,
    statusVariant,
    statusWord,
    STUCK_STATES
} from 'c/referralWords';

/** What the controller returned, as the card shows it. Nothing here reads or writes. */

/** What was answered longer ago is no news. */
const NEWS_MS = 7 * 24 * 3_600_000;

export function modelOf(view, { recordId, objectApiName, maxRows, now }) {
    const rewards = byReferral(view.rewards);
    const shown = view.referrals.slice(0, maxRows);
    const memberIds = new Set(view.members.map(({ id }) => id));
    const referrals = shown.map((referral) =>
        referralOf(referral, rewards.get(referral.id) ?? [], memberIds.has(referral.memberId), recordId, objectApiName)
    );
    const received = view.referrals.filter(({ memberId }) => !memberIds.has(memberId));
    return {
        role: roleOf(view.members.length > 0, received.length > 0),
        sentence: sentenceOf(view, received, objectApiName),
        members: view.members.map(memberOf),
        referrals,
        hasMore: view.referrals.length > maxRows,
        isEmpty: view.members.length === 0 && view.referrals.length === 0,
        missing: missingOf(referrals),
        actions: view.actions
            .filter(({ status, completedAt }) => status === 'pending' || now - Date.parse(completedAt) < NEWS_MS)
            .map(actionOf),
        isWaiting: view.actions.some(({ status }) => status === 'pending')
    };
}

function byReferral(rewards) {
    const lists = new Map();
    for (const reward of rewards) lists.set(reward.referralId, [...(lists.get(reward.referralId) ?? []), reward]);
    return lists;
}

function roleOf(isMember, isFriend) {
    if (isMember && isFriend) return ROLE_BOTH;
    if (isMember) return ROLE_MEMBER;
    return isFriend ? ROLE_FRIEND : ROLE_NONE;
}

const count = (number, one, many) => (number === 1 ? one : fill(many, number));

function sentenceOf(view, received, objectApiName) {
    if (objectApiName === 'Account') {
        const won = view.referrals.filter(({ stage }) => stage === 'won').length;
        return fill(OF_ACCOUNT, count(view.referrals.length, REFERRAL_ONE, REFERRAL_MANY), won);
    }
    const by = [...new Set(received.map(({ memberName }) => memberName))].join(', ');
    if (objectApiName === 'Opportunity') return by === '' ? '' : fill(OF_OPPORTUNITY, by);
    const [member] = view.members;
    const made = member === undefined ? '' : madeSentence(member);
    return [by === '' ? '' : fill(REFERRED_BY, by), made].filter((part) => part !== '').join(' ');
}

function madeSentence({ referrals, wonReferrals }) {
    if (!referrals) return MADE_NONE;
    return fill(MADE, count(referrals, FRIEND_ONE, FRIEND_MANY), wonReferrals ?? 0);
}

function memberOf(member) {
    const { lastReward, lastRewardAt, lastRewardReason } = member;
    const last = lastRewardAt ? fill(LAST_REWARD, lastReward, day(lastRewardAt)) : fill(LAST_REWARD_PLAIN, lastReward);
    return { ...member, lastText: lastReward ? [last, lastRewardReason].filter(Boolean).join(' ') : '' };
}

function referralOf(referral, rewards, isMade, recordId, objectApiName) {
    const friend = {
        name: referral.friendContactName ?? referral.friendLeadName ?? referral.name,
        recordId: referral.friendContactId ?? referral.friendLeadId
    };
    const member = {
        name: referral.memberName ?? '',
        recordId: referral.memberContactId ?? referral.memberLeadId ?? referral.memberId
    };
    const isBetween = objectApiName === 'Account' || objectApiName === 'Opportunity';
    const direction = isMade ? DIRECTION_MADE : DIRECTION_RECEIVED;
    const { stage } = referral;
    const step = STAGE_PATH.indexOf(stage);
    const nextStep = stage === 'won' ? '' : (referral.nextStep ?? '');
    return {
        id: referral.id,
        person: isMade || isBetween ? friend : member,
        direction: isBetween ? fill(DIRECTION_BETWEEN, member.name) : direction,
        since: fill(SINCE, stageWord(stage), day(referral.stageChangedAt)),
        via: referral.source ? fill(VIA, sourceWord(referral.source)) : '',
        stageWord: stageWord(stage),
        stageLook: stageLook(stage),
        steps: step < 0 ? [] : STAGE_PATH.map((one, index) => stepOf(one, index, step)),
        nextStep,
        opportunity:
            referral.opportunityId && referral.opportunityId !== recordId
                ? {
                      id: referral.opportunityId,
                      text: fill(OPPORTUNITY_AT, referral.opportunityName ?? '', referral.opportunityStage ?? '')
                  }
                : null,
        rewards: rewards.map((reward) => rewardOf(reward, member.name, friend.name, nextStep))
    };
}

function stepOf(stage, index, current) {
    const now = index === current;
    return {
        stage,
        word: stageWord(stage),
        current: now ? 'step' : null,
        spoken: now ? STAGE_NOW : index < current ? STAGE_DONE : '',
        look: now ? `step ${stage === 'won' ? 'step_won' : 'step_now'}` : index < current ? 'step step_done' : 'step'
    };
}

function rewardOf(reward, memberName, friendName, saidAbove) {
    const { state, amount, currencyCode, party } = reward;
    const worth = amount === null || amount === undefined ? NO_AMOUNT : money(amount, currencyCode);
    const paid = state === 'issued' || state === 'redeemed';
    return {
        id: reward.id,
        state,
        stateWord: stateWord(state),
        stateLook: stateLook(state),
        title: titleOf(party, worth, memberName, friendName),
        rule: [reward.rule, reward.decidedAt ? fill(DECIDED_ON, day(reward.decidedAt)) : ''].filter(Boolean).join(' · '),
        reason: reward.reason ?? '',
        // What the referral itself says is not said once more with each of its rewards.
        nextStep: reward.nextStep === saidAbove ? '' : (reward.nextStep ?? ''),
        todo: reward.nextStep ?? '',
        when: whenOf(reward, paid),
        isStuck: STUCK_STATES.includes(state)
    };
}

function titleOf(party, worth, memberName, friendName) {
    if (party === 'friend') return fill(FOR_FRIEND, worth, friendName);
    return party === 'assist' ? fill(FOR_ASSIST, worth) : fill(FOR_MEMBER, worth, memberName);
}

function whenOf({ state, releaseAt, issuedAt }, paid) {
    if (paid && issuedAt) return fill(PAID_ON, day(issuedAt));
    return state === 'held' && releaseAt ? fill(RELEASE, day(releaseAt)) : '';
}

/** What somebody has to put right, each once. */
function missingOf(referrals) {
    const stuck = referrals.flatMap(({ rewards }) => rewards).filter(({ isStuck }) => isStuck);
    const todo = [...new Set(stuck.map((reward) => reward.todo).filter((text) => text !== ''))];
    return { count: stuck.length, todo };
}

function actionOf(action) {
    const { status } = action;
    return {
        id: action.id,
        icon: statusIcon(status),
        variant: statusVariant(status),
        statusWord: statusWord(status),
        text: actionWord(action.type),
        outcome: action.outcome ?? '',
        asked: fill(ASKED, day(action.askedAt), action.askedBy ?? '')
    };
}
